import Core
import Foundation
import KernelDispatch
import ModelFormat

/// Settings chosen for a text and a time. `docs/recipes.md` has the experiments behind them.
public struct Recipe {
    /// The settings.
    public let settings: Settings
    /// What was chosen and why, a line each.
    public let reasons: [String]

    /// The time for which settings are chosen if none is given.
    public static let defaultMinutes = 10.0

    /// - Parameters:
    ///   - minutes: The time that the training may take; nil if the number of epochs is given.
    ///   - adjust: Sets what is given.
    /// - Throws: ``TrainingError`` or `ChargenError`.
    public init(_ corpus: Corpus, minutes: Double?, adjust: (inout Settings) -> Void) throws {
        var settings = Settings(corpus: CorpusSource(paths: []))
        settings.minutes = minutes
        settings.epochs = 1_000_000_000
        settings.cell = .gru
        settings.schedule = .cosine
        settings.clipElement = 0
        settings.clipNorm = 1
        settings.learningRate = 0.008
        settings.hiddenSize = 128
        settings.validationInterval = 0
        adjust(&settings)
        self.settings = settings
        reasons = []
    }
}
