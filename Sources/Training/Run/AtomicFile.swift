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
        if stat(FileName.cString(path), &information) == 0, information.st_mode & S_IFMT != S_IFREG {
            throw .cannotWrite(path: FileName.shown(name), reason: "it is not a file")
        }
        let temporary = temporaryPath(beside: path)
        let file = try OutputFile(temporary, name: name, O_CREAT | O_TRUNC)
        do throws(TrainingError) {
            try file.write(contents)
            try file.sync()
            guard rename(FileName.cString(temporary), FileName.cString(path)) == 0 else {
                throw OutputFile.failure(name)
            }
        } catch {
            unlink(FileName.cString(temporary))
            throw error
        }
        syncFolder(of: path)
    }

    /// The path without symbolic links; the name itself if there is no such file.
    private static func resolved(_ name: String) -> String {
        guard let path = realpath(FileName.cString(name), nil) else { return name }
        defer { free(path) }
        return FileName.string(path)
    }

    /// The path with `.partial` after the last component, of which the end is cut off if the system
    /// allows no longer name.
    static func temporaryPath(beside path: String) -> String {
        let suffix = Array(".partial".utf8)
        let bytes = FileName.bytes(path)
        let start = bytes.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0
        let temporary = bytes[..<start] + bytes[start...].prefix(Int(NAME_MAX) - suffix.count) + suffix
        return Array(temporary).withUnsafeBytes { FileName.string($0) }
    }

    /// Makes the rename survive a loss of power.
    private static func syncFolder(of path: String) {
        let descriptor = open(FileName.cString(folder(of: path)), O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    /// The folder that a path's last component is in, as POSIX `dirname` has it.
    ///
    /// `NSString.deletingLastPathComponent` of Swift 6.3.1 traps on a path of one character.
    static func folder(of path: String) -> String {
        var bytes = FileName.cString(path)
        return bytes.withUnsafeMutableBufferPointer { FileName.string(dirname($0.baseAddress)) }
    }
}
