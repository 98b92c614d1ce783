import Foundation

/// Files that are read as a whole.
public enum FileContents {
    /// The bytes of the file at a path.
    ///
    /// - Throws: ``SystemError``, also for what is not a regular file: a pipe or a device may have
    ///   no end.
    public static func read(_ path: String) throws(SystemError) -> Data {
        try read(path, in: AT_FDCWD)
    }

    /// The bytes of a file with a path relative to that of a folder's descriptor.
    static func read(_ path: String, in folder: Int32) throws(SystemError) -> Data {
        try read(path, in: folder, most: .max)
    }

    /// The first bytes of the file at a path, at most `count`.
    ///
    /// - Throws: ``SystemError``, also for what is not a regular file.
    public static func beginning(of path: String, count: Int) throws(SystemError) -> [UInt8] {
        Array(try read(path, in: AT_FDCWD, most: count))
    }

    private static func read(_ path: String, in folder: Int32, most: Int) throws(SystemError) -> Data {
        let descriptor = try uninterrupted {
            openat(folder, FileName.cString(path), O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        }
        defer { close(descriptor) }
        var information = stat()
        try uninterrupted { fstat(descriptor, &information) }
        switch information.st_mode & S_IFMT {
        case S_IFREG: break
        case S_IFDIR: throw SystemError(EISDIR)
        default: throw .notAFile
        }
        let size = min(Int(information.st_size), most)
        // `Data` would end the process if there is not enough memory.
        guard let bytes = aligned_alloc(64, size / 64 * 64 + 64) else { throw .last }
        var count = 0
        do throws(SystemError) {
            while count < size {
                let added = try uninterrupted { Foundation.read(descriptor, bytes + count, size - count) }
                if added == 0 { break }
                count += added
            }
        } catch {
            free(bytes)
            throw error
        }
        return Data(bytesNoCopy: bytes, count: count, deallocator: .free)
    }
}
