import Foundation
import Training

/// The folder of trainings for which no other is given.
enum Runs {
    private static let folder = "runs"

    /// A path for a new training, named after the time and the text.
    static func newPath(for source: CorpusSource) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.dateFormat = "yyyy-MM-dd-HHmmss"
        let file = source.paths.first.map { ($0 as NSString).lastPathComponent } ?? ""
        let name = file == "-" ? "stdin" : (file as NSString).deletingPathExtension
        return "\(folder)/\(formatter.string(from: Date()))-\(name)"
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
