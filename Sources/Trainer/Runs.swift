import Foundation
import Training

/// The folder of trainings for which no other is given.
enum Runs {
    private static let folder = "runs"

    /// Makes an empty folder for a new training, named after the time and the text, which no other
    /// training has, even one that is started in the same second.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    static func makeFolder(for source: CorpusSource) throws -> String {
        let path = path(for: source)
        mkdir(folder, 0o777)
        for suffix in [""] + (2...1000).map({ "-\($0)" }) where mkdir(path + suffix, 0o777) == 0 || errno != EEXIST {
            guard access(path + suffix, W_OK) == 0 else {
                throw TrainingError.cannotWrite(path: path + suffix, reason: String(cString: strerror(errno)))
            }
            return path + suffix
        }
        throw TrainingError.cannotWrite(path: path, reason: "there are too many folders of this name")
    }

    private static func path(for source: CorpusSource) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd-HHmmss"
        let file = source.paths.first ?? source.list ?? ""
        // Of '.' the name of the folder.
        let name =
            file == "-"
            ? "stdin" : URL(fileURLWithPath: file).standardized.deletingPathExtension().lastPathComponent
        // A name of up to 180 bytes, without what is hard to type.
        let characters = name.unicodeScalars.map { scalar in
            scalar.properties.isAlphabetic || ("0"..."9").contains(scalar) || "._-".unicodeScalars.contains(scalar)
                ? scalar : "_"
        }
        return "\(folder)/\(formatter.string(from: Date()))-\(String(String.UnicodeScalarView(characters.prefix(45))))"
    }

    /// The training in a folder, or the newest if none is named.
    ///
    /// - Throws: ``TrainingError/invalidRun(path:_:)`` when there is none.
    static func folder(_ path: String?) throws -> RunFolder {
        if let path { return RunFolder(path: path) }
        guard let newest = RunFolder.newest(within: folder) else {
            throw TrainingError.invalidRun(path: folder, "no training is in it; start one with `trainer train`")
        }
        return newest
    }
}
