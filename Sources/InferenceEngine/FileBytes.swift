import CSupport
import Core
import ModelFormat

/// The contents of a file, read whole.
///
/// Read, not mapped: a mapping of a file that somebody truncates meanwhile would kill the process.
struct FileBytes: ~Copyable {
    let contents: UnsafeRawBufferPointer
    private let block: UnsafeMutableRawPointer

    init(_ source: ModelSource) throws(ChargenError) {
        switch source {
        case .path(let path):
            guard let file = fopen(path, "rb") else { throw FileBytes.failure(cs_errno(), source) }
            defer { fclose(file) }
            (block, contents) = try FileBytes.read(fileno(file), of: source)
        case .descriptor(let descriptor): (block, contents) = try FileBytes.read(descriptor, of: source)
        }
    }

    deinit {
        free(block)
    }

    /// All bytes to the end, or more than the model has that they begin with: what is no model may
    /// have no end, such as a device.
    private static func read(
        _ descriptor: Int32, of source: ModelSource
    ) throws(ChargenError) -> (block: UnsafeMutableRawPointer, contents: UnsafeRawBufferPointer) {
        var capacity = 1 << 20
        var count = 0
        guard var block = malloc(capacity) else { throw FileBytes.outOfMemory }
        while true {
            let length = CSupport.read(descriptor, block + count, capacity - count)
            let reason = length < 0 ? cs_errno() : 0
            if reason == EINTR { continue }
            guard length >= 0 else {
                free(block)
                throw FileBytes.failure(reason, source)
            }
            count += length
            let contents = UnsafeRawBufferPointer(start: block, count: count)
            guard length > 0 else { return (block, contents) }
            guard count == capacity else { continue }
            guard ModelFile.declaredLength(contents) >= UInt64(count) else { return (block, contents) }
            capacity *= 2
            guard let larger = realloc(block, capacity) else {
                free(block)
                throw FileBytes.outOfMemory
            }
            block = larger
        }
    }

    private static var outOfMemory: ChargenError {
        ChargenError(.outOfMemory, "out of memory for the model file's bytes")
    }

    private static func failure(_ reason: Int32, _ source: ModelSource) -> ChargenError {
        ChargenError(
            reason == ENOMEM ? .outOfMemory : .fileAccess,
            "cannot read the model from " + source.name + ": " + String(cString: strerror(reason)))
    }
}

/// Where the bytes of a `.cgw` file are read from.
package enum ModelSource {
    /// The file of this name, as the system has it.
    case path(UnsafePointer<CChar>)
    /// From the descriptor's present place to its end. It stays open.
    case descriptor(Int32)

    /// The source as a message names it.
    var name: String {
        switch self {
        case .path(let path): quoted(path: path)
        case .descriptor(let descriptor): "descriptor " + String(descriptor)
        }
    }
}
