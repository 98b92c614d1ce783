import ArgumentParser
import Core
import Foundation
import Training

/// `trainer train`: starts a training.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a model on a text.",
        discussion: """
            The defaults are those of char-rnn: an LSTM of two layers of 128 units, for a text of about a megabyte. \
            The training is stored in a folder: stop it at any time with Ctrl-C, and continue it with 'trainer \
            resume'. When standard output is not a terminal, each report is a line of JSON.
            """)

    @OptionGroup(title: "Text")
    var corpus: CorpusOptions

    @Option(help: ArgumentHelp("The recurrent cell (lstm).", valueName: "cell"))
    var cell: Cell?

    @Option(help: ArgumentHelp("The number of recurrent layers (2; 1 with --batching documents).", valueName: "n"))
    var layers: Int?

    @Option(
        name: .customLong("hidden"),
        help: ArgumentHelp("The number of units of each layer (128; 64 with --batching documents).", valueName: "n"))
    var hiddenSize: Int?

    @Option(
        name: .customLong("batching"),
        help: ArgumentHelp(
            "How the text is divided into minibatches.",
            discussion: """
                'streams' divides the text into --batch streams, which are read in parallel with the state carried \
                over. 'windows' takes every window of --time characters, shuffled. 'documents' makes one minibatch \
                of all windows of a document.
                """,
            valueName: "kind"))
    var batching = Settings.Batching.streams

    @Option(name: .customLong("batch"), help: ArgumentHelp("The number of rows of a minibatch (50).", valueName: "n"))
    var batchSize: Int?

    @Option(
        help: ArgumentHelp(
            "The number of characters of a row, through which gradients are propagated (50; 100 with --batching "
                + "documents).", valueName: "n"))
    var time: Int?

    @Option(
        help: ArgumentHelp(
            "The distance between the starts of windows, in characters, with --batching windows (1).", valueName: "n"))
    var stride: Int?

    @Option(
        name: .customLong("max-documents"),
        help: ArgumentHelp("The most documents to learn from, with --batching documents (all).", valueName: "n"))
    var documentLimit: Int?

    @Option(
        help: ArgumentHelp(
            "The number of passes over the text (50; 1 with --batching documents).", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("Adam's learning rate (0.002; 0.01 with --batching documents).", valueName: "x"))
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "The factor of the learning rate in each epoch after --decay-after (0.97).", valueName: "x"))
    var decay: Double?

    @Option(help: ArgumentHelp("The number of epochs at the full learning rate (10).", valueName: "n"))
    var decayAfter: Int?

    @Option(
        help: ArgumentHelp(
            "The largest norm of all gradients together, in place of --clip-element; 0 for no limit.", valueName: "x"))
    var clipNorm: Double?

    @Option(
        help: ArgumentHelp(
            "The largest magnitude of each gradient; 0 for no limit (5; 0 with --batching documents).", valueName: "x"))
    var clipElement: Double?

    @Option(
        name: .customLong("init-range"),
        help: ArgumentHelp(
            "The largest magnitude of the initial weights (0.08; 0.125 with --batching documents).", valueName: "x"))
    var initialRange: Double?

    @Option(
        help: ArgumentHelp(
            "The initial bias of an LSTM's forget gates (1; 0 with --batching documents).", valueName: "x")
    )
    var forgetBias: Double?

    @Option(
        name: .customLong("validation"),
        help: ArgumentHelp(
            "The fraction of the text that is held out for validation (0.05; none with --batching documents).",
            valueName: "x"))
    var validationFraction: Double?

    @Option(help: ArgumentHelp("The seed of the initial weights and of the shuffling (1).", valueName: "n"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "The type that the factors of matrix products are rounded to: bf16 is faster on processors with AVX-512 "
                + "BF16, and slower on all others (f32).", valueName: "precision"))
    var precision: Settings.Precision?

    @Option(
        help: ArgumentHelp("The number of threads (all processors). It does not change the result.", valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The folder of the training (a new one in 'runs').", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @Option(
        name: .customLong("checkpoint-every"),
        help: ArgumentHelp(
            "The updates between checkpoints, in addition to the one after each epoch (500).", valueName: "n"))
    var checkpointInterval: Int?

    @Option(
        name: .customLong("report-every"),
        help: ArgumentHelp(
            "The updates between reports, in addition to the one after each epoch; 0 for none (0; 1000 with --batching "
                + "documents).",
            valueName: "n"))
    var reportInterval: Int?

    @OptionGroup(title: "Samples")
    var samples: SampleOptions

    func validate() throws {
        guard clipNorm == nil || clipElement == nil else {
            throw ValidationError("Give --clip-norm or --clip-element, not both.")
        }
        guard stride == nil || batching == .windows else { throw ValidationError("--stride needs --batching windows.") }
        guard documentLimit == nil || batching == .documents else {
            throw ValidationError("--max-documents needs --batching documents.")
        }
        guard batchSize == nil || batching != .documents else {
            throw ValidationError("With --batching documents a document is a minibatch: leave out --batch.")
        }
        guard forgetBias == nil || cell ?? .lstm == .lstm else {
            throw ValidationError("--forget-bias needs --cell lstm.")
        }
        do {
            try settings.validate()
        } catch let error as TrainingError {
            throw ValidationError(error.commandDescription)
        }
    }

    private var settings: Settings {
        get throws {
            var settings = Settings(corpus: try corpus.source)
            settings.cell = cell ?? settings.cell
            settings.batching = batching
            if batching == .documents { settings.chooseDocumentDefaults() }
            settings.layers = layers ?? settings.layers
            settings.hiddenSize = hiddenSize ?? settings.hiddenSize
            settings.batchSize = batchSize ?? settings.batchSize
            settings.time = time ?? settings.time
            settings.stride = stride ?? settings.stride
            settings.documentLimit = documentLimit
            settings.epochs = epochs ?? settings.epochs
            settings.learningRate = learningRate ?? settings.learningRate
            settings.decay = decay ?? settings.decay
            settings.decayAfter = decayAfter ?? settings.decayAfter
            settings.clipNorm = clipNorm ?? settings.clipNorm
            settings.clipElement = clipElement ?? (clipNorm == nil ? settings.clipElement : 0)
            settings.initialRange = initialRange ?? settings.initialRange
            settings.forgetBias = forgetBias ?? settings.forgetBias
            settings.validationFraction = validationFraction ?? settings.validationFraction
            settings.seed = seed ?? settings.seed
            settings.precision = precision == .f32 ? nil : precision
            settings.threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
            settings.checkpointInterval = checkpointInterval ?? settings.checkpointInterval
            settings.reportInterval = reportInterval ?? settings.reportInterval
            return settings
        }
    }

    func run() throws {
        let settings = try settings
        let folder = RunFolder(path: folder ?? Runs.newPath(for: settings.corpus))
        if settings.corpus.readsStandardInput, isatty(STDIN_FILENO) != 0 {
            Terminal.note("reading the text from standard input, up to Ctrl-D")
        }
        let run = try TrainingRun(settings, folder: folder)
        run.corpus.printWarnings(for: settings.corpus)
        try TrainingDisplay(run, samples: samples).train()
    }
}

extension Cell: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.name.description) }
    public static var allValueDescriptions: [String: String] {
        [
            "rnn": "simple recurrent network with tanh: small and fast", "gru": "gated recurrent unit",
            "lstm": "long short-term memory",
        ]
    }
}

extension Settings.Batching: ExpressibleByArgument {}

extension Settings.Precision: ExpressibleByArgument {}
