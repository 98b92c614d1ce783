import CSupport
import Core

/// The contents of a `.cgw` file: the header is read and checked, then what it says.
///
/// A file whose header is wrong, or not a model's, is read no further, whatever its size: it may
/// have no end, such as a device. A path that is a pipe's or a terminal's, which may never have a
/// byte, is refused. Read, not mapped: a mapping of a file that somebody truncates meanwhile would
/// kill the process.
package final class FileBytes {
    /// All bytes of a model; of another file the first ones, which ``ModelFile`` refuses.
    package var contents: UnsafeRawBufferPointer { UnsafeRawBufferPointer(block) }
    private let block: UnsafeMutableRawBufferPointer

    /// - Throws: `fileAccess`, `outOfMemory`, or what is wrong with the header.
    package convenience init(_ source: ModelSource) throws(ChargenError) {
        switch source {
        case .path(let path):
            let descriptor = cs_open_file(path)
            guard descriptor >= 0 else { throw FileBytes.failure(-descriptor, source) }
            defer { close(descriptor) }
            self.init(try FileBytes.read(descriptor, of: source))
        case .descriptor(let descriptor): self.init(try FileBytes.read(descriptor, of: source))
        }
    }

    package convenience init(path: UnsafePointer<CChar>) throws(ChargenError) {
        try self.init(.path(path))
    }

    /// Throws nothing: in Embedded mode an object whose initialiser throws half-way is never freed.
    private init(_ contents: UnsafeMutableRawBufferPointer) {
        block = contents
    }

    deinit {
        free(block.baseAddress)
    }

    private static func read(
        _ descriptor: Int32, of source: ModelSource
    ) throws(ChargenError) -> UnsafeMutableRawBufferPointer {
        var capacity = 1 << 20
        var count = 0
        var needed = FileLayout.fixedLength
        guard var block = malloc(capacity) else { throw FileBytes.outOfMemory }
        do throws(ChargenError) {
            while true {
                while count < needed {
                    if count == capacity {
                        // Memory for what has come, not for what the header says.
                        capacity = min(2 * capacity, needed)
                        guard let larger = realloc(block, capacity) else { throw FileBytes.outOfMemory }
                        block = larger
                    }
                    let length = CSupport.read(descriptor, block + count, min(capacity, needed) - count)
                    let reason = length < 0 ? cs_errno() : 0
                    if reason == EINTR { continue }
                    guard length >= 0 else { throw FileBytes.failure(reason, source) }
                    guard length > 0 else { return UnsafeMutableRawBufferPointer(start: block, count: count) }
                    count += length
                }
                let contents = UnsafeMutableRawBufferPointer(start: block, count: count)
                do throws(ChargenError) {
                    needed = try ModelFile.neededLength(UnsafeRawBufferPointer(contents))
                } catch {
                    throw ChargenError(error.kind, source.name + ": " + error.message)
                }
                guard needed > count else { return contents }
            }
        } catch {
            free(block)
            throw error
        }
    }

    private static var outOfMemory: ChargenError {
        ChargenError(.outOfMemory, "not enough memory for the model file's bytes")
    }

    private static func failure(_ reason: Int32, _ source: ModelSource) -> ChargenError {
        ChargenError(
            reason == ENOMEM ? .outOfMemory : .fileAccess,
            "cannot read the model from " + source.name + ": "
                + (reason == ESPIPE ? "it is not a file" : String(cString: strerror(reason))))
    }
}

/// Where the bytes of a `.cgw` file are read from.
package enum ModelSource {
    /// The file of this name, as the system has it.
    case path(UnsafePointer<CChar>)
    /// From the descriptor's present place to its end. It stays open.
    case descriptor(Int32)

    /// The source as a message names it.
    package var name: String {
        switch self {
        case .path(let path): quoted(path: path)
        case .descriptor(let descriptor): "descriptor " + String(descriptor)
        }
    }
}
