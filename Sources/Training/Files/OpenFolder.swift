import CSupport
import Foundation

/// A folder that is held open: it stays the same one when it is renamed, and when another takes its
/// name.
///
/// The names of its functions are single components of a path. What they write is in the folder: a
/// symbolic link in it is replaced, and not followed.
final class OpenFolder: Sendable {
    /// The path by which the folder was opened, for messages.
    let path: String
    let descriptor: Int32
    /// Whether the folder may be written to, and not read.
    private let isUnreadable: Bool

    /// `O_PATH` of Linux, which Swift does not import.
    private static let pathOnly: Int32 = 0o10_000_000

    init(_ path: String) throws(SystemError) {
        self.path = path
        func open(_ flags: Int32) throws(SystemError) -> Int32 {
            try uninterrupted { Foundation.open(FileName.cString(path), flags | O_DIRECTORY | O_CLOEXEC) }
        }
        do throws(SystemError) {
            descriptor = try open(O_RDONLY)
            isUnreadable = false
        } catch {
            guard error.number == EACCES else { throw error }
            descriptor = try open(OpenFolder.pathOnly)
            isUnreadable = true
        }
    }

    deinit {
        close(descriptor)
    }

    /// The path of a file, for messages.
    func path(of name: String) -> String { path + "/" + name }

    /// Whether the folder's path is still that of the folder.
    var isAtItsPath: Bool {
        var (own, other) = (stat(), stat())
        return fstat(descriptor, &own) == 0 && stat(FileName.cString(path), &other) == 0
            && own.st_ino == other.st_ino && own.st_dev == other.st_dev
    }

    /// What is at a name, links not followed; nil if there is nothing.
    func information(_ name: String) -> stat? {
        var information = stat()
        return fstatat(descriptor, FileName.cString(name), &information, AT_SYMLINK_NOFOLLOW) == 0 ? information : nil
    }

    func has(_ name: String) -> Bool { information(name) != nil }

    /// The names of what is in the folder, without `.` and `..`; none if it cannot be read.
    var names: [String] {
        guard let copy = try? uninterrupted({ openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) }) else {
            return []
        }
        guard let stream = fdopendir(copy) else {
            close(copy)
            return []
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { FileName.string($0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
        return names
    }

    /// The bytes of a file.
    ///
    /// - Throws: ``SystemError``, also for what is not a regular file.
    func read(_ name: String) throws(SystemError) -> Data {
        try FileContents.read(name, in: descriptor)
    }

    /// Gives a file another name.
    func link(_ name: String, to other: String) throws(SystemError) {
        try uninterrupted { linkat(descriptor, FileName.cString(name), descriptor, FileName.cString(other), 0) }
    }

    func remove(_ name: String) {
        unlinkat(descriptor, FileName.cString(name), 0)
    }

    // MARK: - Whole files

    private static let temporaryPrefix = ".chargen-"
    private static let temporarySuffix = ".partial"

    /// Writes `contents` to a temporary file, syncs it and gives it the name: a reader sees the old
    /// file or the new one, also after a crash or a loss of power.
    ///
    /// A failure leaves the old file as it was, unless the folder cannot be synced, and no
    /// temporary file. The new file has the rights of the old one, or those that the umask leaves.
    ///
    /// - Parameter shownName: The file's name in errors; nil for that in the folder.
    func write(_ contents: some Collection<UInt8>, to name: String, shownName: String? = nil) throws(TrainingError) {
        let shownName = shownName ?? path(of: name)
        let old = information(name)
        let isFile = old.map { $0.st_mode & S_IFMT == S_IFREG } ?? false
        guard old == nil || isFile || old.map({ $0.st_mode & S_IFMT == S_IFLNK }) == true else {
            throw .cannotWrite(path: FileName.shown(shownName), reason: "it is not a file")
        }
        // Nobody can foresee the name, so that nobody else can have taken it.
        let number = String(UInt64.random(in: .min ... .max), radix: 16)
        let temporary = OpenFolder.temporaryPrefix + number + OpenFolder.temporarySuffix
        cs_begin_temporary_file(descriptor, temporary)
        defer { cs_end_temporary_file() }
        do throws(TrainingError) {
            let file = try OutputFile(
                temporary, in: self, shownName: shownName, O_CREAT | O_EXCL, mode: isFile ? 0o600 : 0o666)
            if isFile, let old { file.takeRights(of: old) }
            try file.write(contents)
            try file.sync()
            try OutputFile.report(shownName) { () throws(SystemError) in
                try uninterrupted {
                    renameat(descriptor, FileName.cString(temporary), descriptor, FileName.cString(name))
                }
            }
        } catch {
            remove(temporary)
            throw error
        }
        try OutputFile.report(shownName) { () throws(SystemError) in try sync() }
    }

    /// Makes the names of files survive a loss of power, where the system can do that for a folder.
    private func sync() throws(SystemError) {
        do throws(SystemError) {
            try uninterrupted { fsync(descriptor) }
        } catch {
            guard isUnreadable || [EINVAL, ENOTSUP, ENOSYS].contains(error.number) else { throw error }
        }
    }

    /// Removes the temporary files of a process that was killed. Nothing else may be writing in the
    /// folder.
    func removeTemporaryFiles() {
        for name in names
        where name.hasPrefix(OpenFolder.temporaryPrefix) && name.hasSuffix(OpenFolder.temporarySuffix) {
            remove(name)
        }
    }
}
