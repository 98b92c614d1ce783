import Core
import Foundation

/// A file, or standard input, open for reading.
struct InputFile: ~Copyable {
    /// The path that stands for standard input.
    static let standardInput = "-"
    private static let chunkSize = 1 << 20

    private let path: String
    private let descriptor: Int32

    init(path: String) throws(CorpusError) {
        self.path = path
        descriptor = path == InputFile.standardInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw InputFile.failure(path) }
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// Passes the file through `body` in chunks of about 1 MiB.
    ///
    /// - Parameters:
    ///   - hash: Updated with every byte read.
    ///   - body: Takes the bytes that are not yet consumed, their offset in the file, and whether
    ///     the file ends with them; returns how many it has consumed. It gets the others again with
    ///     the next chunk. The last call may have no bytes.
    func readChunks(
        hash: inout SHA256, _ body: (_ bytes: UnsafeRawBufferPointer, _ offset: Int, _ isLast: Bool) throws -> Int
    ) throws {
        var buffer: [UInt8] = []
        var held = 0
        var offset = 0
        while true {
            if buffer.count < held + InputFile.chunkSize {
                buffer += repeatElement(0, count: held + InputFile.chunkSize - buffer.count)
            }
            let count = try buffer.withUnsafeMutableBytes { try read(into: .init(rebasing: $0[held...])) }
            let consumed = try buffer.withUnsafeBytes { bytes in
                hash.update(.init(rebasing: bytes[held..<held + count]))
                return try body(.init(rebasing: bytes[..<(held + count)]), offset, count == 0)
            }
            if count == 0 { return }
            held += count - consumed
            offset += consumed
            buffer.withUnsafeMutableBytes { bytes in
                bytes.copyMemory(from: .init(rebasing: bytes[consumed..<consumed + held]))
            }
        }
    }

    /// Reads at least one byte, or none at the end of the file.
    private func read(into buffer: UnsafeMutableRawBufferPointer) throws(CorpusError) -> Int {
        while true {
            let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw InputFile.failure(path) }
        }
    }

    private static func failure(_ path: String) -> CorpusError {
        let reason = errno == EISDIR ? "it is a folder; name the files in it" : String(cString: strerror(errno))
        return .unreadable(file: path, reason: reason)
    }

    /// The size of the file in bytes as the system gives it; 0 for a pipe, or if there is no such
    /// file.
    static func size(of path: String) -> Int {
        var information = stat()
        return path != standardInput && stat(path, &information) == 0 ? Int(information.st_size) : 0
    }
}
