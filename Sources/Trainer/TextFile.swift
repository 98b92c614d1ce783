import Foundation
import Training

/// Texts that accompany a model: prompts and lists.
enum TextFile {
    /// The documents of one file as text; none if it is empty.
    ///
    /// - Throws: ``CorpusError``, also for a folder.
    static func documents(of path: String, _ kind: DocumentKind) throws -> [String] {
        var information = stat()
        guard stat(FileName.cString(path), &information) != 0 || information.st_mode & S_IFMT != S_IFDIR else {
            throw CorpusError.unreadable(file: path, reason: String(cString: strerror(EISDIR)))
        }
        return try documents(of: CorpusSource(paths: [path], documents: kind))
    }

    /// The documents of a corpus as text; none if it is empty.
    ///
    /// - Throws: ``CorpusError``.
    static func documents(of source: CorpusSource) throws -> [String] {
        var source = source
        // Rare characters too are to be themselves.
        source.minimumCount = nil
        do {
            let corpus = try Corpus(reading: source)
            return corpus.documents.map(corpus.text)
        } catch CorpusError.empty {
            return []
        }
    }

    /// The texts of a list: the lines of a file, or the documents of a training's corpus if `path`
    /// is the training's folder.
    ///
    /// - Throws: ``CorpusError``; ``TrainingError`` when the training's checkpoint is damaged, or
    ///   its corpus came from standard input.
    static func list(_ path: String) throws -> [String] {
        let run = RunFolder(path: path)
        guard FileManager.default.fileExists(atPath: run.lastCheckpointPath) else {
            return try documents(of: path, .line)
        }
        let source = try Checkpoint(path: run.lastCheckpointPath).settings.corpus
        guard !source.readsStandardInput else {
            throw TrainingError.invalidRun(path: path, "its text came from standard input; name a file of it")
        }
        return try documents(of: source)
    }
}
