import Foundation

/// Files that are written completely or not at all.
public enum AtomicFile {
    /// Writes `contents` to a temporary name beside `path`, syncs it and renames it into place.
    ///
    /// A reader of `path` sees the old file or the new one, also after a crash or a loss of power.
    /// A failure leaves the old file as it was. The rights of the old file are kept; its other
    /// names, if it has hard links, keep the old contents.
    ///
    /// A symbolic link is followed, also to a file that does not exist, and stays: the file is
    /// written in the folder that it is to be in. A link that another user has put into a folder
    /// where everybody may write is refused, as by Linux. Anything at `path` but a file, such as a
    /// folder or a device, is refused.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public static func write(_ contents: some Collection<UInt8>, to path: String) throws(TrainingError) {
        let target = try OutputFile.report(path) { () throws(SystemError) in try place(of: path) }
        try target.folder.write(contents, to: target.name, shownName: path)
    }

    private static func place(of path: String) throws(SystemError) -> (folder: OpenFolder, name: String) {
        let target = try target(of: path)
        return (try OpenFolder(folder(of: target)), try lastComponent(of: target))
    }

    /// The path with the links of its last component followed.
    private static func target(of path: String) throws(SystemError) -> String {
        var path = path
        // As many as the system follows.
        for _ in 0..<40 {
            var link = stat()
            guard lstat(FileName.cString(path), &link) == 0, link.st_mode & S_IFMT == S_IFLNK else { return path }
            let folder = folder(of: path)
            try refuseLinkOfOthers(link, in: folder)
            var bytes = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
            try uninterrupted { readlink(FileName.cString(path), &bytes, bytes.count - 1) }
            let target = FileName.string(bytes)
            path = target.hasPrefix("/") ? target : folder + "/" + target
        }
        throw SystemError(ELOOP)
    }

    /// The rule of Linux' `fs.protected_symlinks`, which applies to what the system follows.
    private static func refuseLinkOfOthers(_ link: stat, in path: String) throws(SystemError) {
        var folder = stat()
        guard stat(FileName.cString(path), &folder) == 0 else { throw .last }
        let isShared = folder.st_mode & S_ISVTX != 0 && folder.st_mode & S_IWOTH != 0
        guard !isShared || link.st_uid == geteuid() || link.st_uid == folder.st_uid else { throw SystemError(EACCES) }
    }

    /// The name of a file in its folder.
    ///
    /// - Throws: ``SystemError`` for a path that cannot be that of a file.
    private static func lastComponent(of path: String) throws(SystemError) -> String {
        let name = FileName.bytes(path).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last ?? []
        let string = Array(name).withUnsafeBytes { FileName.string($0) }
        guard !path.isEmpty else { throw SystemError(ENOENT) }
        guard !["", ".", ".."].contains(string) else { throw SystemError(EISDIR) }
        return string
    }

    /// The folder that a path's last component is in, as POSIX `dirname` has it.
    ///
    /// `NSString.deletingLastPathComponent` of Swift 6.3.1 traps on a path of one character.
    static func folder(of path: String) -> String {
        var bytes = FileName.cString(path)
        return bytes.withUnsafeMutableBufferPointer { FileName.string(dirname($0.baseAddress)) }
    }

    /// Makes a folder, and those that it is in.
    ///
    /// - Returns: Whether it is new.
    /// - Throws: ``SystemError``, unless there is something of this name.
    static func makeFolder(_ path: String) throws(SystemError) -> Bool {
        do throws(SystemError) {
            try uninterrupted { mkdir(FileName.cString(path), 0o777) }
            return true
        } catch {
            if error.number == EEXIST { return false }
            let parent = folder(of: path)
            guard error.number == ENOENT, !path.isEmpty, parent != path else { throw error }
            _ = try makeFolder(parent)
            // If there is one now, another process has made it.
            let result = mkdir(FileName.cString(path), 0o777)
            guard result == 0 || errno == EEXIST else { throw .last }
            return result == 0
        }
    }
}
