import Foundation
import TestSupport

@testable import Training

/// A corpus of a text, read from a file.
func testCorpus(_ text: String, documents: DocumentKind = .whole) throws -> Corpus {
    try withTemporaryFolder { folder in
        let path = folder.appendingPathComponent("text.txt").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try Corpus(reading: CorpusSource(paths: [path], documents: documents))
    }
}

extension Corpus {
    /// Rows of `time` symbols from some positions on.
    func minibatch(starts: [Int], time: Int) -> Minibatch {
        Minibatch(of: Stretches([0..<count - 1]), starts: starts, time: time)
    }
}
