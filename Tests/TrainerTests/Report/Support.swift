import Core
import Foundation
import InferenceEngine
import ModelFormat
import TestSupport

@testable import Trainer
@testable import Training

/// A report with some losses.
func report(_ update: Int, training: Double, validation: Double? = nil, epoch: Int = 1) -> Report {
    Report(
        epoch: epoch, update: update, loss: training, trainingLoss: training, runningLoss: training,
        validationLoss: validation, learningRate: 0.002, charactersPerSecond: 50_000, seconds: Double(update) / 100)
}

/// A text that tries to become markup, to reorder the text around it, and to end a string.
let hostileText = "</script><script>alert('\u{202E}')</script>\0"

/// The record of a run of 50 epochs with 60 reports each, whose text is in three scripts and
/// has hostile characters.
func hostileRecord(shownCount: Int) throws -> RunRecord {
    let characters = "</script>&\"'\u{0}\u{1B}\u{7F}\u{85}\u{202E}\u{2066}\u{FEFF}\n\t abcdeабвгд漢字仮名\u{301}"
    let model = try Model(randomModel(.gru, layers: 1, hiddenSize: 8, characters: characters, range: 2))
    var random = SplitMix64(seed: 1)
    let symbols = (0..<4000).map { _ in Int(random.next() % UInt64(model.vocabulary.count)) }
    let passage = Passage(given: 0, symbols: symbols)
    let text = HeldOutText(training: [passage], heldOut: [passage])
    let prediction = try Prediction(of: text.heldOut, by: model, limit: shownCount)
    return RunRecord(
        name: hostileText,
        reports: (1...3000).map {
            report(
                $0 * 20, training: 4 / log(Double($0) + 2), validation: $0 % 60 == 0 ? 2 : nil, epoch: $0 / 60 + 1)
        },
        samples: (1...200).map { Sample(update: $0 * 300, text: String(repeating: hostileText, count: 2000)) },
        facts: [("settings", [JSONValue.Entry(name: hostileText, value: hostileText)])],
        parameterCount: 1000,
        outcome: .measured(
            .init(
                vocabulary: model.vocabulary, text: text, prediction: prediction,
                comparison: Comparison(text, modelBits: prediction.bits, vocabulary: model.vocabulary),
                origin: .heldOut)))
}
