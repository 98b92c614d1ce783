import Foundation

/// A file that a command is to replace if it is of the same kind.
public enum OldFile {
    /// The first bytes of the file at a path, at most `count`; none if there is no file.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)`` when it cannot be read, because its
    ///   kind is then unknown.
    public static func beginning(_ path: String, count: Int) throws(TrainingError) -> [UInt8] {
        do throws(SystemError) {
            return try FileContents.beginning(of: path, count: count)
        } catch {
            if error.number == ENOENT { return [] }
            throw .cannotWrite(path: FileName.shown(path), reason: error.reason)
        }
    }
}
