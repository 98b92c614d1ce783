import Foundation

/// Files that are written completely or not at all.
public enum AtomicFile {
    /// Writes `contents` to a temporary name beside `path`, syncs it and renames it into place.
    ///
    /// A reader of `path` sees the old file or the new one, also after a crash or a loss of power.
    /// A failure leaves the old file as it was.
    ///
    /// A symbolic link is followed. Anything at `path` but a file, such as a folder or a device, is
    /// refused.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public static func write(_ contents: some Collection<UInt8>, to name: String) throws(TrainingError) {
        let path = resolved(name)
        var information = stat()
        if stat(path, &information) == 0, information.st_mode & S_IFMT != S_IFREG {
            throw .cannotWrite(path: name, reason: "it is not a file")
        }
        let temporary = path + ".partial"
        let file = try OutputFile(temporary, name: name, O_CREAT | O_TRUNC)
        do throws(TrainingError) {
            try file.write(contents)
            try file.sync()
            guard rename(temporary, path) == 0 else { throw OutputFile.failure(name) }
        } catch {
            unlink(temporary)
            throw error
        }
        syncFolder(of: path)
    }

    /// The path without symbolic links; the name itself if there is no such file.
    private static func resolved(_ name: String) -> String {
        guard let path = realpath(name, nil) else { return name }
        defer { free(path) }
        return String(cString: path)
    }

    /// Makes the rename survive a loss of power.
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
}
