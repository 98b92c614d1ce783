import CTrainer
import Core
import Foundation
import Training

/// An error of training in the command's words: options in place of settings, and what to do next.
///
/// ArgumentParser prints the `errorDescription` of an error that ends a command.
extension TrainingError: LocalizedError {
    public var errorDescription: String? { commandDescription }

    var commandDescription: String {
        if case .invalidSetting(let setting, let expected) = self { return "\(setting.option) must be \(expected)" }
        return advice.map { "\(self); \($0)" } ?? "\(self)"
    }

    private var advice: String? {
        switch self {
        case .corpusTooShort: "add text, or hold less out with --validation"
        case .documentsTooShort: "choose a smaller --time"
        case .documentTooLong: "say with --documents what a document is, or choose another --batching"
        case .corpusChanged: "restore it, or start another training"
        case .unreadableTwice: "name a file"
        case .diverged: "start again with a smaller --learning-rate or a tighter --clip-norm"
        case .runExists(let path): "continue it with `trainer resume \(path)`, or choose another --run"
        case .runFinished: "ask for more with --epochs or --minutes"
        case .labelsMissing: "name them with --label"
        case .labelsCarried: "leave out --carry-documents"
        case .invalidSetting, .invalidValidationText, .invalidRun, .invalidCheckpoint, .cannotImport, .cannotWrite,
            .rankFailed:
            nil
        }
    }
}

/// An error of a corpus with the options that help.
extension CorpusError: LocalizedError {
    public var errorDescription: String? { commandDescription }

    var commandDescription: String { advice.map { "\(self); \($0)" } ?? "\(self)" }

    private var advice: String? {
        switch self {
        case .otherDelimiter(_, let delimiter):
            "read it with --delimiter '\(delimiter.rawValue)', or as one column with --delimiter ','"
        case .misplacedQuote, .unclosedQuote, .missingColumn, .invalidJSON, .missingField, .fieldIsNotText:
            "--lenient skips such records"
        case .noEndOfDocument: "leave out --documents"
        case .noFrequentCharacter: "give a smaller --min-count"
        default: nil
        }
    }
}

/// An error of the engine or of a network in training, with advice if memory was refused.
extension ChargenError: LocalizedError {
    public var errorDescription: String? {
        kind == .outOfMemory ? message + String(cString: ct_memory_advice()) : message
    }
}

extension Settings.Name {
    /// The option of `trainer train` for the setting.
    var option: String {
        switch self {
        case .minimumCount: "--min-count"
        case .layers: "--layers"
        case .hiddenSize: "--hidden"
        case .batchSize: "--batch"
        case .time: "--time"
        case .stride: "--stride"
        case .documentLimit: "--max-documents"
        case .epochs: "--epochs"
        case .minutes: "--minutes"
        case .burnIn: "--burn-in"
        case .learningRate: "--learning-rate"
        case .warmup: "--warmup"
        case .secondMomentDecay: "--beta2"
        case .weightDecay: "--weight-decay"
        case .averaging: "--average"
        case .dropout: "--dropout"
        case .weightDropout: "--weight-dropout"
        case .labelDropout: "--label-dropout"
        case .drawnSymbols: "--sampled-softmax"
        case .validationInterval: "--validate-every"
        case .patience: "--patience"
        case .decay: "--decay"
        case .decayAfter: "--decay-after"
        case .clipNorm: "--clip-norm"
        case .clipElement: "--clip-element"
        case .initialRange: "--init-range"
        case .forgetBias: "--forget-bias"
        case .validationFraction: "--validation"
        case .slices: "--slices"
        case .threads: "--threads"
        case .keptCheckpoints: "--keep"
        case .checkpointInterval: "--checkpoint-every"
        case .reportInterval: "--report-every"
        }
    }
}
