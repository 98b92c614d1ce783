import Core
import Foundation

/// A file, or standard input, open for reading.
final class InputFile: ByteStream {
    /// The path that stands for standard input.
    static let standardInput = "-"

    let path: String
    let descriptor: Int32
    /// Bytes that were read to recognise the compression, and are not yet passed on.
    private var beginning: [UInt8] = []

    /// - Parameter path: As ``FileName`` has it.
    init(path: String) throws(CorpusError) {
        self.path = path
        descriptor =
            path == InputFile.standardInput
            ? STDIN_FILENO
            : try InputFile.open(path) { () throws(SystemError) in
                try uninterrupted { Foundation.open(FileName.cString(path), O_RDONLY | O_CLOEXEC) }
            }
        // Such as /dev/zero, which has no end.
        var information = stat()
        if fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFCHR, isatty(descriptor) == 0 {
            throw .unreadable(file: path, reason: "it is a device")
        }
    }

    /// Turns an error of a system call that opens a file into that of the file.
    static func open(_ path: String, _ body: () throws(SystemError) -> Int32) throws(CorpusError) -> Int32 {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .unreadable(file: path, reason: error.reason)
        }
    }

    deinit {
        if descriptor != STDIN_FILENO { close(descriptor) }
    }

    /// Opens a file whose bytes are decompressed, if their beginning is that of a compressed file.
    static func open(path: String) throws -> any ByteStream {
        let file = try InputFile(path: path)
        switch Compression(magicOf: try file.peek(Compression.magicLength)) {
        case nil: return file
        case .zstd: return try ZstdStream(file)
        case .gzip: return try DecompressionProgram("gzip", file)
        case .xz: return try DecompressionProgram("xz", file)
        }
    }

    /// The first `count` bytes, or fewer if the file has fewer, which remain to be read.
    private func peek(_ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let added = try bytes.withUnsafeMutableBytes { try readDescriptor(into: .init(rebasing: $0[filled...])) }
            if added == 0 { break }
            filled += added
        }
        beginning = Array(bytes[..<filled])
        return beginning
    }

    /// Sets the file's own position to the first byte that is not passed on, for another process to
    /// read from there.
    ///
    /// - Returns: Whether the file has a position; a pipe has none.
    func rewind() -> Bool {
        guard lseek(descriptor, off_t(-beginning.count), SEEK_CUR) >= 0 else { return false }
        beginning = []
        return true
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard beginning.isEmpty else {
            let count = min(beginning.count, buffer.count)
            buffer.copyBytes(from: beginning[..<count])
            beginning.removeFirst(count)
            return count
        }
        return try readDescriptor(into: buffer)
    }

    private func readDescriptor(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        while true {
            let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            if errno != EINTR { throw InputFile.failure(path) }
        }
    }

    /// The error of the last system call.
    static func failure(_ path: String) -> CorpusError {
        .unreadable(file: path, reason: String(cString: strerror(errno)))
    }

    /// The size of the file in bytes as the system gives it; 0 for a pipe, or if there is no such
    /// file.
    static func size(of path: String) -> Int {
        var information = stat()
        return path != standardInput && stat(FileName.cString(path), &information) == 0
            ? Int(information.st_size) : 0
    }
}
