import Foundation

/// A file open for writing. Each failure is a ``TrainingError/cannotWrite(path:reason:)``.
///
/// Only a regular file is opened: not what a symbolic link points at, and no pipe or device.
struct OutputFile: ~Copyable {
    /// The file's name in errors.
    private let shownName: String
    private let descriptor: Int32

    /// Opens a file in a folder.
    ///
    /// - Parameters:
    ///   - shownName: The file's name in errors; nil for that in the folder.
    ///   - flags: Flags of `open`, such as `O_CREAT`, in addition to those that open the file for
    ///     writing.
    ///   - mode: The rights of a file that is created, of which the umask takes some.
    init(
        _ name: String, in folder: OpenFolder, shownName: String? = nil, _ flags: Int32, mode: mode_t = 0o666
    ) throws(TrainingError) {
        let shownName = shownName ?? folder.path(of: name)
        // Without O_NONBLOCK a pipe would wait for a reader.
        let flags = flags | O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK
        descriptor = try OutputFile.descriptor(shownName) { () throws(SystemError) in
            try uninterrupted { openat(folder.descriptor, FileName.cString(name), flags, mode) }
        }
        self.shownName = shownName
    }

    /// The descriptor that `open` gives, if it is that of a regular file.
    private static func descriptor(
        _ shownName: String, open: () throws(SystemError) -> Int32
    ) throws(TrainingError) -> Int32 {
        let descriptor = try report(shownName, open)
        var information = stat()
        guard fstat(descriptor, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw .cannotWrite(path: FileName.shown(shownName), reason: "it is not a file")
        }
        return descriptor
    }

    deinit {
        close(descriptor)
    }

    func write(_ bytes: some Collection<UInt8>) throws(TrainingError) {
        try OutputFile.report(shownName) { () throws(SystemError) in try writeAll(bytes) }
    }

    private func writeAll(_ bytes: some Collection<UInt8>) throws(SystemError) {
        let written = bytes.withContiguousStorageIfAvailable { bytes in
            Result { () throws(SystemError) in try writeFully(UnsafeRawBufferPointer(bytes), to: descriptor) }
        }
        if let written { return try written.get() }
        try writeAll(Array(bytes))
    }

    /// Writes to the end of the file. A failure leaves the file as it was.
    func append(_ bytes: some Collection<UInt8>) throws(TrainingError) {
        let length = lseek(descriptor, 0, SEEK_END)
        do throws(TrainingError) {
            try write(bytes)
        } catch {
            _ = try? uninterrupted { ftruncate(descriptor, length) }
            throw error
        }
    }

    /// Gives the file the rights and, as far as the system allows it, the owner of another.
    ///
    /// A group that cannot be given gets no more rights than all others.
    func takeRights(of other: stat) {
        var mode = other.st_mode & 0o777
        var own = stat()
        fstat(descriptor, &own)
        if own.st_uid != other.st_uid || own.st_gid != other.st_gid,
            fchown(descriptor, other.st_uid, other.st_gid) != 0,
            fchown(descriptor, uid_t.max, other.st_gid) != 0
        {
            mode = mode & 0o707 | (mode & 0o007) << 3
        }
        fchmod(descriptor, mode)
    }

    /// Returns when the file is safe from a loss of power.
    func sync() throws(TrainingError) {
        try OutputFile.report(shownName) { () throws(SystemError) in try uninterrupted { fsync(descriptor) } }
    }

    /// Turns an error of a system call into that of a file.
    @discardableResult
    static func report<Result>(
        _ name: String, _ body: () throws(SystemError) -> Result
    ) throws(TrainingError) -> Result {
        do throws(SystemError) {
            return try body()
        } catch {
            throw .cannotWrite(path: FileName.shown(name), reason: error.reason)
        }
    }
}
