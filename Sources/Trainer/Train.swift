import ArgumentParser
import Core
import Foundation
import Training

/// `trainer train`: begins a training.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a model on a text.",
        discussion: """
            The defaults are those of char-rnn: an LSTM of two layers of 128 units, for a text of about a megabyte. \
            The training is kept in a folder: stop it at any moment with Ctrl-C and go on with 'trainer resume'. \
            When standard output is not a terminal, each report is a line of JSON.
            """)

    @OptionGroup(title: "Text")
    var corpus: CorpusOptions

    @Option(help: ArgumentHelp("The recurrent cell (lstm).", valueName: "cell"))
    var cell: Cell?

    @Option(help: ArgumentHelp("The number of recurrent layers (2; 1 with --batching documents).", valueName: "n"))
    var layers: Int?

    @Option(
        name: .customLong("hidden"),
        help: ArgumentHelp("The units of each layer (128; 64 with --batching documents).", valueName: "n"))
    var hiddenSize: Int?

    @Option(
        name: .customLong("batching"),
        help: ArgumentHelp(
            "How the text is cut into minibatches.",
            discussion: """
                'streams' reads the text as --batch streams side by side, with the state carried over. 'windows' takes \
                every window of --time characters, shuffled. 'documents' makes one minibatch of all windows of a \
                document.
                """,
            valueName: "way"))
    var batching = Settings.Batching.streams

    @Option(name: .customLong("batch"), help: ArgumentHelp("The rows of a minibatch (50).", valueName: "n"))
    var batchSize: Int?

    @Option(
        help: ArgumentHelp(
            "The characters of a row, over which gradients go back (50; 100 with --batching documents).", valueName: "n"
        ))
    var time: Int?

    @Option(
        help: ArgumentHelp("The distance between the starts of windows, with --batching windows (1).", valueName: "n"))
    var stride: Int?

    @Option(
        name: .customLong("max-documents"),
        help: ArgumentHelp("The most documents to learn from with --batching documents.", valueName: "n"))
    var documentLimit: Int?

    @Option(
        help: ArgumentHelp(
            "The number of times to go through the text (50; 1 with --batching documents).", valueName: "n"))
    var epochs: Int?

    @Option(help: ArgumentHelp("Adam's learning rate (0.002; 0.01 with --batching documents).", valueName: "x"))
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "What the learning rate is multiplied with in each epoch after --decay-after (0.97).", valueName: "x"))
    var decay: Double?

    @Option(help: ArgumentHelp("The epochs at the full learning rate (10).", valueName: "n"))
    var decayAfter: Int?

    @Option(help: ArgumentHelp("Limit the norm of all gradients together, in place of --clip-element.", valueName: "x"))
    var clipNorm: Double?

    @Option(
        help: ArgumentHelp(
            "Limit each gradient to ± this; 0 for no limit (5; 0 with --batching documents).", valueName: "x"))
    var clipElement: Double?

    @Option(
        name: .customLong("init-range"),
        help: ArgumentHelp(
            "Draw the first weights from ± this (0.08; 0.125 with --batching documents).", valueName: "x"))
    var initialRange: Double?

    @Option(
        help: ArgumentHelp("The first bias of an LSTM's forget gates (1; 0 with --batching documents).", valueName: "x")
    )
    var forgetBias: Double?

    @Option(
        name: .customLong("validation"),
        help: ArgumentHelp(
            "The part of the text that is held out to judge by (0.05; nothing with --batching documents).",
            valueName: "x"))
    var validationFraction: Double?

    @Option(help: ArgumentHelp("What the first weights and the shuffling follow from (1).", valueName: "n"))
    var seed: UInt64?

    @Option(
        help: ArgumentHelp(
            "Round the factors of matrix products: bf16 is faster on processors with AVX-512 BF16, and slower on all others "
                + "(f32).", valueName: "precision"))
    var precision: Settings.Precision?

    @Option(help: ArgumentHelp("The threads to use (all processors). They do not change the result.", valueName: "n"))
    var threads: Int?

    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The folder to keep the training in (a new one in 'runs').", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @Option(
        name: .customLong("checkpoint-every"),
        help: ArgumentHelp("Updates between checkpoints, beside the one after each epoch (500).", valueName: "n"))
    var checkpointInterval: Int?

    @Option(
        name: .customLong("report-every"),
        help: ArgumentHelp(
            "Updates between reports, beside the one after each epoch (none; 1000 with --batching documents).",
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
        if settings.corpus.paths.contains("-"), isatty(STDIN_FILENO) != 0 {
            Terminal.note("reading the text from standard input, up to Ctrl-D")
        }
        let run = try TrainingRun(settings, folder: folder)
        try TrainingDisplay(run, samples: samples).train()
    }
}

extension Cell: ExpressibleByArgument {
    public init?(argument: String) { self.init(name: argument) }
    public static var allValueStrings: [String] { allCases.map(\.name.description) }
    public static var allValueDescriptions: [String: String] {
        [
            "rnn": "a simple tanh network: small, quick, forgetful", "gru": "gated recurrent unit",
            "lstm": "long short-term memory",
        ]
    }
}

extension Settings.Batching: ExpressibleByArgument {}

extension Settings.Precision: ExpressibleByArgument {}
