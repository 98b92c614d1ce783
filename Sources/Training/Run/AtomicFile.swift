import Foundation

/// Files that are either wholly written or not at all.
public enum AtomicFile {
    /// Writes `contents` to a temporary name beside `path`, syncs it and renames it into place.
    ///
    /// Whoever reads `path` sees the old file or the new one, also after a crash or a loss of power. A failure leaves
    /// the old file as it was.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public static func write(_ contents: some Collection<UInt8>, to path: String) throws {
        let temporary = path + ".partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(path) }
        do {
            defer { close(descriptor) }
            let isWritten =
                contents.withContiguousStorageIfAvailable { write($0, to: descriptor) }
                ?? Array(contents).withUnsafeBufferPointer { write($0, to: descriptor) }
            guard isWritten, fsync(descriptor) == 0 else {
                let error = failure(path)
                unlink(temporary)
                throw error
            }
        }
        guard rename(temporary, path) == 0 else {
            let error = failure(path)
            unlink(temporary)
            throw error
        }
        syncFolder(of: path)
    }

    private static func write(_ bytes: UnsafeBufferPointer<UInt8>, to descriptor: Int32) -> Bool {
        var rest = UnsafeRawBufferPointer(bytes)
        while !rest.isEmpty {
            let count = Foundation.write(descriptor, rest.baseAddress, rest.count)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return false }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
        return true
    }

    /// Makes the rename itself survive a loss of power.
    private static func syncFolder(of path: String) {
        let folder = open(
            (path as NSString).deletingLastPathComponent.isEmpty ? "." : (path as NSString).deletingLastPathComponent,
            O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }

    private static func failure(_ path: String) -> TrainingError {
        .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
}
