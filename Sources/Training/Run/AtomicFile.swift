import Core
import Foundation

/// Files that are either wholly written or not at all.
public enum AtomicFile {
    /// Writes `contents` to a temporary name beside `path`, syncs it and renames it into place.
    ///
    /// Whoever reads `path` sees the old file or the new one, also after a crash or a loss of power. A failure leaves
    /// the old file as it was.
    ///
    /// A symbolic link is followed. What is neither a file nor free, such as a folder or a device, is refused.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public static func write(_ contents: some Collection<UInt8>, to name: String) throws {
        let path = resolved(name)
        var information = stat()
        if stat(path, &information) == 0, information.st_mode & S_IFMT != S_IFREG {
            throw TrainingError.cannotWrite(path: name, reason: "it is not a file")
        }
        let temporary = path + ".partial"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(name) }
        do {
            defer { close(descriptor) }
            let isWritten =
                contents.withContiguousStorageIfAvailable { write($0, to: descriptor) }
                ?? Array(contents).withUnsafeBufferPointer { write($0, to: descriptor) }
            guard isWritten, fsync(descriptor) == 0 else {
                let error = failure(name)
                unlink(temporary)
                throw error
            }
        }
        guard rename(temporary, path) == 0 else {
            let error = failure(name)
            unlink(temporary)
            throw error
        }
        syncFolder(of: path)
    }

    /// The file behind symbolic links; the name itself if there is no such file yet.
    private static func resolved(_ name: String) -> String {
        guard let path = realpath(name, nil) else { return name }
        defer { free(path) }
        return String(cString: path)
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
        let descriptor = open(folder(of: path), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// The folder that a path's last component is in, as POSIX `dirname` has it.
    ///
    /// `NSString.deletingLastPathComponent` of Swift 6.3.1 traps on a path of one character.
    static func folder(of path: String) -> String {
        var bytes = Array(path.utf8CString)
        return bytes.withUnsafeMutableBufferPointer { String(cString: dirname($0.baseAddress)) }
    }

    private static func failure(_ path: String) -> TrainingError {
        .cannotWrite(path: path, reason: String(cString: strerror(errno)))
    }
}
