import Foundation

/// A file open for writing. What cannot be done is ``TrainingError/cannotWrite(path:reason:)``.
struct OutputFile: ~Copyable {
    /// The path as the caller of the command wrote it.
    private let name: String
    private let descriptor: Int32

    /// Opens a file.
    ///
    /// - Parameters:
    ///   - name: What errors call the file, if that is not `path`.
    ///   - flags: `O_CREAT` and others; the file is opened for writing alone in any case.
    init(_ path: String, name: String? = nil, _ flags: Int32) throws(TrainingError) {
        self.name = name ?? path
        descriptor = open(path, flags | O_WRONLY | O_CLOEXEC, 0o666)
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

    /// Writes to the end of the file, or nothing: a failure leaves the length as it was.
    func append(_ bytes: some Collection<UInt8>) throws(TrainingError) {
        let length = lseek(descriptor, 0, SEEK_END)
        do {
            try write(bytes)
        } catch {
            ftruncate(descriptor, length)
            throw error
        }
    }

    /// Waits until the file survives a loss of power.
    func sync() throws(TrainingError) {
        guard fsync(descriptor) == 0 else { throw OutputFile.failure(name) }
    }

    /// The error of the last call of the system.
    static func failure(_ name: String) -> TrainingError {
        .cannotWrite(path: name, reason: String(cString: strerror(errno)))
    }
}
