import Foundation

/// A file open for writing. Each failure is a ``TrainingError/cannotWrite(path:reason:)``.
struct OutputFile: ~Copyable {
    /// The file's name in errors.
    private let name: String
    private let descriptor: Int32

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - name: The file's name in errors; nil for `path`.
    ///   - flags: Flags of `open`, such as `O_CREAT`, in addition to those that open the file for
    ///     writing.
    init(_ path: String, name: String? = nil, _ flags: Int32) throws(TrainingError) {
        self.name = name ?? path
        descriptor = open(FileName.cString(path), flags | O_WRONLY | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw OutputFile.failure(self.name) }
    }

    deinit {
        close(descriptor)
    }

    func write(_ bytes: some Collection<UInt8>) throws(TrainingError) {
        let isWritten =
            bytes.withContiguousStorageIfAvailable { write(UnsafeRawBufferPointer($0)) }
            ?? Array(bytes).withUnsafeBytes { write($0) }
        guard isWritten else { throw OutputFile.failure(name) }
    }

    private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return true
    }

    /// Writes to the end of the file. A failure leaves the file as it was.
    func append(_ bytes: some Collection<UInt8>) throws(TrainingError) {
        let length = lseek(descriptor, 0, SEEK_END)
        do {
            try write(bytes)
        } catch {
            ftruncate(descriptor, length)
            throw error
        }
    }

    /// Returns when the file is safe from a loss of power.
    func sync() throws(TrainingError) {
        guard fsync(descriptor) == 0 else { throw OutputFile.failure(name) }
    }

    /// The error of the last system call.
    static func failure(_ name: String) -> TrainingError {
        .cannotWrite(path: FileName.shown(name), reason: String(cString: strerror(errno)))
    }
}
