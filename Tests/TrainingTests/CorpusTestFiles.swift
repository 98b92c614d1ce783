import Foundation
import ModelFormat
import TestSupport
import Training

/// Runs `body` with the paths of files that hold `contents`.
@discardableResult
func withFiles<Result>(_ contents: [[UInt8]], _ body: ([String]) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
        try body(
            contents.enumerated().map { index, bytes in
                let file = folder.appendingPathComponent("\(index).txt")
                try Data(bytes).write(to: file)
                return file.path
            })
    }
}

/// Reads files that hold `contents` as one corpus.
func readCorpus(_ contents: [[UInt8]], _ documents: DocumentKind = .whole) throws -> Corpus {
    try withFiles(contents) { try Corpus(reading: CorpusSource(paths: $0, documents: documents)) }
}

/// Reads a file that holds `text`.
func readCorpus(_ text: String, _ documents: DocumentKind = .whole) throws -> Corpus {
    try readCorpus([Array(text.utf8)], documents)
}

/// Reads a file that holds `text` as symbols of `vocabulary`.
func readCorpus(_ text: String, _ documents: DocumentKind = .whole, vocabulary: Vocabulary) throws -> Corpus {
    try withFiles([Array(text.utf8)]) {
        try Corpus(reading: CorpusSource(paths: $0, documents: documents), vocabulary: vocabulary)
    }
}

extension Corpus {
    /// The texts of all documents.
    var texts: [String] { documents.map(text) }
}
