import ArgumentParser
import Core
import Foundation
import Training

// The options of `trainer train`, grouped by what they are about. An option that is not given
// leaves its setting as the preset or the recipe has it.

/// What is held out.
struct ValidationOptions: ParsableArguments {
    @Option(
        name: .customLong("validation"),
        help: ArgumentHelp(
            "The fraction of the text that is held out, to measure how well the model predicts text that it has not "
                + "learned from; 0 for none. (default: 0.05)",
            valueName: "x"))
    var fraction: Double?

    @Option(
        name: .customLong("held-out"),
        help: ArgumentHelp(
            "What is held out. (default: streams)", valueName: "place"))
    var place: Settings.HeldOutPlace?

    @Option(
        name: .customLong("validation-text"),
        help: ArgumentHelp(
            "Another text to measure the loss on, in place of what is held out, read as the text to learn from is. "
                + "Repeat it for further texts. (default: none)",
            discussion: """
                The first text decides which checkpoint is the best, unless --validation is given too: then that is \
                what is held out. Characters that the model does not know are its unknown symbol or, without \
                one, left out; they are counted.
                """,
            valueName: "file"),
        completion: .file())
    var texts: [String] = []

    func validate() throws {
        guard !texts.contains("-") else {
            throw ValidationError("--validation-text must name a file, not standard input ('-').")
        }
    }

    /// Whether losses under these options and others are of the same text.
    func isSame(as other: ValidationOptions) -> Bool {
        fraction == other.fraction && place == other.place && texts == other.texts
    }

    func apply(to settings: inout Settings) {
        settings.validationFraction = fraction ?? (texts.isEmpty ? settings.validationFraction : 0)
        settings.heldOut = place ?? settings.heldOut
    }
}

/// The network's shape and initial parameters.
struct ModelOptions: ParsableArguments {
    @Option(
        name: .customLong("from"),
        help: ArgumentHelp(
            "A trained model to start from: a training's folder, a checkpoint, or a .cgw file in f32 or bf16. "
                + "(default: none)",
            discussion: """
                Its characters and its unknown symbol keep what the model knows of them, and new characters of the \
                text are added. The cell, the layers and the hidden size are the model's.
                """,
            valueName: "model"),
        completion: .file())
    var initialModel: String?

    @Option(
        name: .customLong("min-count"),
        help: ArgumentHelp(
            "How often a character must occur in the text to have a symbol of its own. (default: 1)",
            discussion: """
                Above 1, all rarer characters become one unknown symbol. The model reads any character that it does \
                not know as that symbol, and never generates it. This makes models of texts with many different \
                characters, such as Chinese, smaller and faster.
                """,
            valueName: "n"))
    var minimumCount: Int?

    @Option(help: ArgumentHelp("The recurrent cell. (default: gru; lstm with a preset)", valueName: "cell"))
    var cell: Cell?

    @Option(
        help: ArgumentHelp(
            "The number of recurrent layers. (default: 2; 1 with --preset notebook)", valueName: "n"))
    var layers: Int?

    @Option(
        name: .customLong("hidden"),
        help: ArgumentHelp(
            "The number of units of each layer. (default: what the time allows and the text supports)",
            valueName: "n"))
    var hiddenSize: Int?

    @Option(
        name: .customLong("init-range"),
        help: ArgumentHelp(
            "The largest magnitude of the initial weights. (default: 0.08; 0.125 with --preset notebook)",
            valueName: "x"))
    var initialRange: Double?

    @Option(
        help: ArgumentHelp(
            "The initial bias of an LSTM's forget gates. (default: 1; 0 with --preset notebook)", valueName: "x"))
    var forgetBias: Double?

    func validate() throws {
        guard initialModel == nil || (cell == nil && layers == nil && hiddenSize == nil) else {
            throw ValidationError("With --from the cell, the layers and the hidden size are the model's.")
        }
    }

    func apply(to settings: inout Settings) {
        settings.initialModel = initialModel.map { URL(fileURLWithPath: $0).path }
        settings.cell = cell ?? settings.cell
        settings.layers = layers ?? settings.layers
        settings.hiddenSize = hiddenSize ?? settings.hiddenSize
        settings.initialRange = initialRange ?? settings.initialRange
        settings.forgetBias = forgetBias ?? settings.forgetBias
    }
}

/// How long a training takes and how the text is divided.
struct TrainingOptions: ParsableArguments {
    enum Preset: String, ExpressibleByArgument, CaseIterable {
        case charRNN = "char-rnn"
        case notebook
    }

    @Option(
        help: ArgumentHelp(
            "The time that the training may take, in minutes. (default: 10, unless --epochs is given)",
            valueName: "n"))
    var minutes: Double?

    @Option(help: ArgumentHelp("The number of passes over the text, in place of a time.", valueName: "n"))
    var epochs: Int?

    @Option(
        help: ArgumentHelp(
            "The settings of other programs, in place of chosen ones. (default: none)", valueName: "name"))
    var preset: Preset?

    @Option(
        help: ArgumentHelp(
            "How the text is divided into minibatches. (default: streams)", valueName: "kind"))
    var batching: Settings.Batching?

    @Option(
        name: .customLong("batch"),
        help: ArgumentHelp("The number of rows of a minibatch. (default: what suits the text)", valueName: "n"))
    var batchSize: Int?

    @Option(
        help: ArgumentHelp(
            "The number of characters of a row, through which gradients are propagated. (default: what suits the "
                + "text)",
            valueName: "n"))
    var time: Int?

    @Option(
        help: ArgumentHelp(
            "The distance between the starts of windows, in characters, with --batching windows. (default: 1)",
            valueName: "n"))
    var stride: Int?

    @Option(
        help: ArgumentHelp(
            "The characters at the front of each window that are read, but not learned, with --batching windows. "
                + "(default: 0)",
            valueName: "n"))
    var burnIn: Int?

    @Option(
        name: .customLong("max-documents"),
        help: ArgumentHelp(
            "The most documents to learn from, with --batching documents. (default: all)", valueName: "n"))
    var documentLimit: Int?

    @Flag(
        name: .customLong("carry-documents"),
        help: "Carry the state from one document into the next, so that a text can depend on the one before.")
    var carriesDocuments = false

    @Option(
        help: ArgumentHelp(
            "The number of validations without a new best after which the training ends; 0 for never. (default: 0)",
            valueName: "n"))
    var patience: Int?

    @Option(
        help: ArgumentHelp(
            "The seed of the initial weights, the order of the text and dropout. (default: 1)", valueName: "n"))
    var seed: UInt64?

    func validate() throws {
        guard minutes == nil || epochs == nil else { throw ValidationError("Give --minutes or --epochs, not both.") }
    }

    func apply(to settings: inout Settings) {
        settings.minutes = minutes ?? settings.minutes
        settings.epochs = epochs ?? (minutes == nil ? settings.epochs : 0)
        settings.batchSize = batchSize ?? settings.batchSize
        settings.time = time ?? settings.time
        settings.stride = stride ?? settings.stride
        settings.burnIn = burnIn ?? settings.burnIn
        settings.documentLimit = documentLimit
        settings.carriesDocuments = carriesDocuments
        settings.patience = patience ?? settings.patience
        settings.seed = seed ?? settings.seed
    }
}

/// The optimiser.
struct OptimisationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "How the weights follow from the gradients. (default: muon; adam with a preset)", valueName: "rule"))
    var optimiser: Settings.UpdateRule?

    @Option(
        help: ArgumentHelp(
            "The learning rate at first, after the warm-up. (default: what suits the model)", valueName: "x"))
    var learningRate: Double?

    @Option(
        help: ArgumentHelp(
            "How the learning rate changes. (default: cosine; exponential with a preset)", valueName: "schedule"))
    var schedule: Settings.Schedule?

    @Option(
        help: ArgumentHelp(
            "The number of updates in which the learning rate rises from zero. (default: up to 100; 0 with a preset)",
            valueName: "n"))
    var warmup: Int?

    @Option(help: ArgumentHelp("The factor of the learning rate; see --schedule. (default: 0.97)", valueName: "x"))
    var decay: Double?

    @Option(
        help: ArgumentHelp(
            "The number of epochs or validations at one learning rate; see --schedule. (default: 10)", valueName: "n"))
    var decayAfter: Int?

    @Option(
        name: .customLong("beta2"),
        help: ArgumentHelp(
            "The weight of the past in Adam's mean of squared gradients. (default: 0.999)", valueName: "x"))
    var secondMomentDecay: Double?

    @Option(
        help: ArgumentHelp(
            "The largest norm of all gradients together, in place of --clip-element; 0 for no limit. (default: 1; 0 "
                + "with a preset)",
            valueName: "x"))
    var clipNorm: Double?

    @Option(
        help: ArgumentHelp(
            "The largest magnitude of each gradient; 0 for no limit. (default: 0; 5 with --preset char-rnn)",
            valueName: "x"))
    var clipElement: Double?

    func validate() throws {
        guard clipNorm == nil || clipElement == nil else {
            throw ValidationError("Give --clip-norm or --clip-element, not both.")
        }
    }

    func apply(to settings: inout Settings) {
        settings.optimiser = optimiser ?? settings.optimiser
        settings.learningRate = learningRate ?? settings.learningRate
        settings.schedule = schedule ?? settings.schedule
        settings.warmup = warmup ?? settings.warmup
        settings.decay = decay ?? settings.decay
        settings.decayAfter = decayAfter ?? settings.decayAfter
        settings.secondMomentDecay = secondMomentDecay ?? settings.secondMomentDecay
        if let clipNorm { (settings.clipNorm, settings.clipElement) = (clipNorm, 0) }
        if let clipElement { (settings.clipNorm, settings.clipElement) = (0, clipElement) }
    }
}

/// What keeps a model from learning its text by heart.
struct RegularisationOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The part of each layer's output that is dropped at random on its way up. (default: what suits the model "
                + "and the text)",
            valueName: "x"))
    var dropout: Double?

    @Flag(help: "Drop the same units at every time step of a minibatch.")
    var variationalDropout = false

    @Option(
        help: ArgumentHelp(
            "The part of the layers' recurrent weights that is dropped in each update. (default: 0)", valueName: "x"))
    var weightDropout: Double?

    @Option(
        help: ArgumentHelp(
            "The part of the documents that is learned without its label, so that texts without a label can be "
                + "generated too. (default: 0.1)", valueName: "x"))
    var labelDropout: Double?

    @Option(
        help: ArgumentHelp(
            "AdamW's weight decay, per unit of learning rate. (default: 0)", valueName: "x"))
    var weightDecay: Double?

    @Option(
        name: .customLong("sampled-softmax"),
        help: ArgumentHelp(
            "The number of characters, drawn at random for each minibatch, that stand in the softmax for all that do "
                + "not occur in it, 0 for all. (default: 256 if the text has 1,000 different characters or more, otherwise "
                + "0; 0 with a preset)",
            valueName: "n"))
    var drawnSymbols: Int?

    @Option(
        name: .customLong("average"),
        help: ArgumentHelp(
            "Validate and export a running mean of the parameters, in which the past has this weight. (default: 0)",
            valueName: "x"))
    var averaging: Double?

    func apply(to settings: inout Settings) {
        settings.dropout = dropout ?? settings.dropout
        settings.variationalDropout = variationalDropout || settings.variationalDropout
        settings.weightDropout = weightDropout ?? settings.weightDropout
        settings.labelDropout = labelDropout ?? settings.labelDropout
        settings.weightDecay = weightDecay ?? settings.weightDecay
        settings.drawnSymbols = drawnSymbols ?? settings.drawnSymbols
        settings.averaging = averaging ?? settings.averaging
    }
}

/// Where a training is stored and what it reports.
struct OutputOptions: ParsableArguments {
    @Option(
        name: .customLong("run"),
        help: ArgumentHelp("The folder of the training. (default: a new one in 'runs')", valueName: "folder"),
        completion: .directory)
    var folder: String?

    @Option(
        name: .customLong("tensorboard"),
        help: ArgumentHelp("Where to write event files for TensorBoard. (default: none)", valueName: "folder"),
        completion: .directory, transform: Arguments.text)
    var tensorBoard: String?

    @Option(
        name: .customLong("validate-every"),
        help: ArgumentHelp(
            "The updates between validations, each with a report and a checkpoint; 0 for one after each epoch. "
                + "(default: a fortieth of the training; 0 with a preset)",
            valueName: "n"))
    var validationInterval: Int?

    @Option(
        name: .customLong("checkpoint-every"),
        help: ArgumentHelp(
            "The updates between checkpoints, in addition to the ones of validations. (default: 500)", valueName: "n"))
    var checkpointInterval: Int?

    @Option(
        name: .customLong("keep"),
        help: ArgumentHelp(
            "The number of earlier checkpoints to keep, besides the last and the best. (default: 0)", valueName: "n"))
    var keptCheckpoints: Int?

    @Option(
        name: .customLong("report-every"),
        help: ArgumentHelp(
            "The updates between reports, in addition to the ones of validations; 0 for none. (default: 0; 1000 with --preset notebook)",
            valueName: "n"))
    var reportInterval: Int?

    func apply(to settings: inout Settings) {
        settings.validationInterval = validationInterval ?? settings.validationInterval
        settings.keptCheckpoints = keptCheckpoints ?? settings.keptCheckpoints
        settings.checkpointInterval = checkpointInterval ?? settings.checkpointInterval
        settings.reportInterval = reportInterval ?? settings.reportInterval
    }
}

/// What a training runs on.
struct MachineOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The number of threads, which does not change what is learned in an epoch. (default: all processors)",
            valueName: "n"))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "The parts of each minibatch whose gradients are sums of their own, so that several processes can train, "
                + "at most as many: from 2 to 256, best a divisor of --batch; see docs/ranks.md. (default: one sum)",
            valueName: "n"))
    var slices: Int?

    @Option(
        help: ArgumentHelp(
            "The type that the factors of matrix products are rounded to. (default: f32)",
            valueName: "precision"))
    var precision: Settings.Precision?

    func apply(to settings: inout Settings) {
        settings.threads = threads ?? Processors.count
        settings.slices = slices
        settings.precision = precision == .f32 ? nil : precision ?? settings.precision
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

extension TrainingOptions.Preset {
    static var allValueDescriptions: [String: String] {
        [
            "char-rnn": "an LSTM of 2 × 128, 50 epochs, Adam with 0.002",
            "notebook": "an LSTM of 1 × 64 and --batching documents, as in many classroom notebooks",
        ]
    }
}

extension Settings.Batching: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "streams": "--batch streams of text, read in parallel with the state carried over",
            "windows": "every window of --time characters, shuffled",
            "documents": "all windows of a document make one minibatch",
        ]
    }
}

extension Settings.Precision: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        ["f32": "32-bit floats, as they are", "bf16": "faster with AVX-512 BF16, slower on all other processors"]
    }
}

extension Settings.HeldOutPlace: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "streams": "the end of each of the --batch streams; of several documents, whole ones, evenly spread",
            "end": "the end of the text; of several documents, the last ones",
        ]
    }
}

extension Settings.Schedule: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "exponential": "times --decay in each epoch after --decay-after", "cosine": "falls to zero at the end",
            "linear": "falls to zero at the end",
            "plateau": "times --decay when --decay-after validations have not improved on the best",
        ]
    }
}

extension Settings.UpdateRule: ExpressibleByArgument {
    public static var allValueDescriptions: [String: String] {
        [
            "adam": "AdamW",
            "muon": "Muon for the matrices between hidden units, Adam for all else: better models in the same time",
        ]
    }
}
