import Core
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// What a report shows of one run.
struct RunRecord {
    let name: String
    let reports: [Report]
    let samples: [Sample]
    /// The corpus, the settings and the results, by the names of the groups.
    let facts: [(group: String, entries: [JSONValue.Entry])]
    /// The number of weights and biases.
    let parameterCount: Int
    /// How well the model predicts a text, or a sentence that says why there is none.
    let outcome: Outcome
    /// Of a model with labels, one for each column.
    private(set) var labels: [LabelSection] = []

    enum Outcome {
        case measured(Measurement)
        case missing(String)
    }

    struct Measurement {
        let vocabulary: Vocabulary
        let text: HeldOutText
        let prediction: Prediction
        let comparison: Comparison
        let origin: Origin
    }

    /// Where the text that is predicted comes from, in words.
    enum Origin: String {
        case heldOut = "text held out for validation"
        case validation = "text for validation"
        case given = "text given"
    }
}

extension RunRecord {
    /// Reads a run, and has its best model predict a text.
    ///
    /// - Parameters:
    ///   - text: The text to predict; nil for what the training holds out or, if that is nothing,
    ///     for the first text that it is validated on.
    ///   - shownCount: The most characters to show one by one.
    /// - Throws: ``TrainingError``, ``CorpusError`` for `text`, or `ChargenError`.
    init(_ folder: RunFolder, name: String, text: String?, shownCount: Int) throws {
        self.name = name
        for note in try folder.lineNotes() { Terminal.note("\(folder.path): \(note)") }
        reports = try folder.reports()
        samples = try folder.samples()
        facts = RunRecord.facts(try Checkpoint(path: folder.lastCheckpointPath).provenance)
        let checkpoint = try Checkpoint(path: folder.exportedCheckpointPath())
        let model = try Model(checkpoint.model())
        parameterCount = model.parameterCount
        let corpus = RunRecord.corpus(of: checkpoint)
        let heldOut: HeldOutText
        let origin: Origin
        if let text {
            origin = .given
            let source = CorpusSource(paths: [text], documents: checkpoint.settings.corpus.documents)
            heldOut = HeldOutText(
                try Score.text(source, for: model, unknown: .fail), corpus: corpus, settings: checkpoint.settings,
                for: model.vocabulary)
        } else if let text = RunRecord.validationText(of: checkpoint) {
            origin = .validation
            heldOut = HeldOutText(text, corpus: corpus, settings: checkpoint.settings, for: model.vocabulary)
        } else if let corpus {
            origin = .heldOut
            heldOut = HeldOutText(of: corpus, settings: checkpoint.settings, for: model.vocabulary)
        } else {
            labels = try LabelSection.sections(of: model, on: [])
            outcome = .missing("The training's text cannot be read again. Name a text to predict with --text.")
            return
        }
        labels = try LabelSection.sections(of: model, on: heldOut.heldOut)
        guard !heldOut.heldOut.isEmpty else {
            outcome = .missing("The training is validated on no text. Name a text to predict with --text.")
            return
        }
        let prediction = try Prediction(of: heldOut.heldOut, by: model, limit: shownCount)
        outcome = .measured(
            Measurement(
                vocabulary: model.vocabulary, text: heldOut, prediction: prediction,
                comparison: Comparison(heldOut, modelBits: prediction.bits, vocabulary: model.vocabulary),
                origin: origin))
    }

    /// The first text that a training is validated on, if it holds nothing out; nil, with a note,
    /// if it cannot be read again.
    private static func validationText(of checkpoint: Checkpoint) -> Corpus? {
        guard checkpoint.settings.validationFraction == 0 else { return nil }
        do {
            return try checkpoint.validationTexts().first
        } catch {
            Terminal.note("\(error)")
            return nil
        }
    }

    /// The corpus of a training; nil, with a note, if it cannot be read again.
    private static func corpus(of checkpoint: Checkpoint) -> Corpus? {
        guard !checkpoint.settings.corpus.readsStandardInput else {
            Terminal.note("the training's text came from standard input, and cannot be read again")
            return nil
        }
        do {
            return try checkpoint.corpus()
        } catch {
            Terminal.note("the training's text cannot be read again: \(error)")
            return nil
        }
    }

    /// The groups of a model's provenance.
    private static func facts(_ provenance: String) -> [(group: String, entries: [JSONValue.Entry])] {
        guard case .object(let groups) = try? JSONDecoder().decode(JSONValue.self, from: Data(provenance.utf8)) else {
            return []
        }
        var facts: [(group: String, entries: [JSONValue.Entry])] = []
        var results: [String: JSONValue] = [:]
        for (name, value) in groups.sorted(by: { $0.key < $1.key }) {
            if case .object = value { facts.append((name, value.entries)) } else { results[name] = value }
        }
        return facts + [("result", JSONValue.object(results).entries)]
    }
}
