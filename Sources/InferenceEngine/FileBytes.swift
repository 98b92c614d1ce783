import CSupport
import Core
import ModelFormat

/// The contents of a file, read whole.
///
/// Read, not mapped: a mapping of a file that somebody truncates meanwhile would kill the process.
struct FileBytes: ~Copyable {
    let contents: UnsafeRawBufferPointer
    private let block: UnsafeMutableRawPointer

    init(path: UnsafePointer<CChar>) throws(ChargenError) {
        guard let file = fopen(path, "rb") else { throw FileBytes.failure("open", path) }
        defer { fclose(file) }
        var capacity = 1 << 20
        var count = 0
        guard var block = malloc(capacity) else { throw FileBytes.outOfMemory }
        while true {
            count += fread(block + count, 1, capacity - count, file)
            // What is no model may have no end, such as a device.
            guard ModelFile.hasSignature(UnsafeRawBufferPointer(start: block, count: count)) else { break }
            guard count == capacity else { break }
            capacity *= 2
            guard let larger = realloc(block, capacity) else {
                free(block)
                throw FileBytes.outOfMemory
            }
            block = larger
        }
        guard ferror(file) == 0 else {
            let failure = FileBytes.failure("read", path)
            free(block)
            throw failure
        }
        self.block = block
        contents = UnsafeRawBufferPointer(start: block, count: count)
    }

    deinit {
        free(block)
    }

    private static var outOfMemory: ChargenError {
        ChargenError(.outOfMemory, "out of memory for the model file's bytes")
    }

    /// The error of the system call that has just failed.
    private static func failure(_ verb: StaticString, _ path: UnsafePointer<CChar>) -> ChargenError {
        let reason = cs_errno()
        return ChargenError(
            reason == ENOMEM ? .outOfMemory : .fileAccess,
            "cannot \(verb) the model file \(quoted(path: path)): \(String(cString: strerror(reason)))")
    }
}
