import Core
import Foundation
import ModelFormat

/// A text that a training is validated on: what it holds out of its own, or another one.
public struct ValidationText {
    /// The name of the text in reports: that of its file, without the folder.
    public let name: String
    /// The corpus that has the text.
    public let corpus: Corpus
    private let rows: ValidationRows
    private let state: RecurrentState

    /// - Parameter number: That of the text among those that are validated on, from 0.
    init(
        _ name: String, _ corpus: Corpus, _ rows: ValidationRows, _ layout: ParameterLayout, number: Int
    ) throws(ChargenError) {
        self.name = name
        self.corpus = corpus
        self.rows = rows
        // The training's own state is 0.
        state = try RecurrentState(layout, rows: rows.rowCount, number: 1 + number)
    }

    /// The texts of a training. The first decides which checkpoint is the best.
    ///
    /// - Parameters:
    ///   - heldOut: What is held out of the training's corpus; nil if nothing is.
    ///   - others: The corpora of ``Settings/validationTexts``.
    static func texts(
        _ settings: Settings, heldOut: ValidationRows?, of corpus: Corpus, others: [Corpus], _ layout: ParameterLayout
    ) throws -> [ValidationText] {
        let own = try heldOut.map { try ValidationText("held out", corpus, $0, layout, number: 0) }
        let names = names(of: settings.validationTexts ?? [])
        return try [own].compactMap(\.self)
            + zip(names, others).enumerated().map { number, text in
                let (name, other) = text
                let rows = ValidationRows(other, rowCount: settings.batchSize, time: settings.time)
                return try ValidationText(
                    name, other, rows, layout, number: own == nil ? number : 1 + number)
            }
    }

    /// The names of files without their folders. If several have the same name, all but the first
    /// have a number.
    static func names(of paths: [String]) -> [String] {
        var counts: [String: Int] = [:]
        return paths.map { path in
            let name = FileName.shown((path as NSString).lastPathComponent)
            let count = counts[name, default: 0] + 1
            counts[name] = count
            return count == 1 ? name : "\(name) (\(count))"
        }
    }

    /// The number of symbols that are read.
    var symbolCount: Int { rows.symbolCount }

    /// The mean cross-entropy, in nats a character; infinite or NaN if it overflows.
    ///
    /// - Parameter minibatch: Memory for the rows.
    func loss(_ network: Network, _ minibatch: inout Minibatch) throws(ChargenError) -> Double {
        var sum = 0.0
        var count = 0
        for index in 0..<rows.count {
            rows.set(&minibatch, index)
            if !minibatch.continuesState { state.reset() }
            let symbols = minibatch.predictionCount
            sum += try network.loss(minibatch, of: corpus, state: state) * Double(symbols)
            count += symbols
        }
        return sum / Double(count)
    }
}

extension Corpus {
    /// Reads a text to validate on as a training reads its own. Characters that the vocabulary
    /// lacks are its unknown symbol or, without one, left out and counted.
    ///
    /// - Parameters:
    ///   - path: A file, or a folder of files.
    ///   - source: How the training's own text is read.
    ///   - labels: The labels of the training's documents.
    /// - Throws: ``CorpusError``; ``TrainingError/invalidValidationText(path:_:)`` when there is
    ///   nothing to predict.
    init(validating path: String, like source: CorpusSource, vocabulary: Vocabulary, labels: Labels?) throws {
        do {
            try self.init(
                reading: source.with(path: path), vocabulary: vocabulary, labels: labels,
                unknown: vocabulary.hasUnknown ? .fail : .skip)
        } catch CorpusError.empty {
            throw TrainingError.invalidValidationText(
                path: path, "it has no character that the text to learn from has")
        }
        guard count > 1 else { throw TrainingError.invalidValidationText(path: path, "it is too short") }
    }
}
