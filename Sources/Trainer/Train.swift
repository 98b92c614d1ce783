import ArgumentParser
import CTrainer
import Foundation
import ModelFormat
import Training

/// `trainer train`: starts a training.
struct Train: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Train a model on a text.",
        discussion: """
            Without options, the size of the model and how it is trained are chosen for the text and for a time of \
            ten minutes, or of --minutes. Options that you give are kept, and the others chosen to suit:

              trainer train mytext.txt
              trainer train names.txt --documents line --minutes 5

            The training is stored in a folder: stop it at any time with Ctrl-C, and continue it with 'trainer \
            resume'. When standard output is not a terminal, each report is a line of JSON.
            """)

    @OptionGroup(title: "Text")
    var corpus: CorpusOptions

    @OptionGroup(title: "Validation")
    var validation: ValidationOptions

    @OptionGroup(title: "Model")
    var model: ModelOptions

    @OptionGroup(title: "Training")
    var training: TrainingOptions

    @OptionGroup(title: "Learning rate and gradients")
    var optimisation: OptimisationOptions

    @OptionGroup(title: "Regularisation")
    var regularisation: RegularisationOptions

    @OptionGroup(title: "Output")
    var output: OutputOptions

    @OptionGroup(title: "Samples")
    var samples: SampleOptions

    @OptionGroup(title: "Machine")
    var machine: MachineOptions

    func validate() throws {
        let batching = batching
        let isLSTM = model.cell.map { $0 == .lstm } ?? (!isChosen || model.initialModel != nil)
        guard model.forgetBias == nil || isLSTM else { throw ValidationError("--forget-bias needs --cell lstm.") }
        guard (training.preset == .notebook) == (batching == .documents) || training.preset == nil else {
            throw ValidationError(
                "--preset notebook has --batching documents, and --preset char-rnn has not: leave out one of the two.")
        }
        guard validation.fraction ?? 0 == 0 || batching != .documents else {
            throw ValidationError("With --batching documents nothing is held out: leave out --validation.")
        }
        guard training.stride == nil || batching == .windows else {
            throw ValidationError("--stride needs --batching windows.")
        }
        guard training.burnIn == nil || batching == .windows else {
            throw ValidationError("--burn-in needs --batching windows.")
        }
        guard training.documentLimit == nil || batching == .documents else {
            throw ValidationError("--max-documents needs --batching documents.")
        }
        guard model.initialModel == nil || batching != .documents else {
            throw ValidationError("--from needs another --batching than documents.")
        }
        guard training.batchSize == nil || batching != .documents else {
            throw ValidationError("With --batching documents a document is a minibatch: leave out --batch.")
        }
        guard validation.texts.isEmpty || batching != .documents else {
            throw ValidationError("--validation-text needs another --batching than documents.")
        }
        guard isValidated || (training.patience ?? 0 == 0 && optimisation.schedule != .plateau) else {
            throw ValidationError("--patience and --schedule plateau need text to validate on.")
        }
        guard
            optimisation.schedule ?? (isChosen ? .cosine : .exponential) != .cosine
                || (optimisation.decay == nil && optimisation.decayAfter == nil)
        else {
            throw ValidationError("--decay and --decay-after need --schedule exponential or plateau.")
        }
        guard regularisation.labelDropout == nil || !corpus.labels.isEmpty else {
            throw ValidationError("--label-dropout needs --label.")
        }
        guard output.tensorBoard != "" else { throw ValidationError("--tensorboard needs the name of a folder.") }
        // The settings that are given are in range, whatever is chosen for the others.
        var settings = initialSettings(try source)
        apply(to: &settings)
        do throws(TrainingError) {
            try settings.validate()
        } catch {
            throw ValidationError(error.commandDescription)
        }
    }

    /// The text, and which of its characters have symbols of their own.
    var source: CorpusSource {
        get throws {
            var source = try corpus.source
            source.minimumCount = model.minimumCount == 1 ? nil : model.minimumCount
            return source
        }
    }

    private var batching: Settings.Batching {
        training.batching ?? (training.preset == .notebook ? .documents : .streams)
    }

    /// Whether settings are chosen for the text and the time.
    var isChosen: Bool { training.preset == nil && batching != .documents }

    /// Whether text is held out.
    var isValidated: Bool {
        batching != .documents && (validation.fraction != 0 || !validation.texts.isEmpty)
    }

    /// The settings of the preset.
    private func initialSettings(_ source: CorpusSource) -> Settings {
        var settings = Settings(corpus: source)
        if batching == .documents { settings.chooseNotebook() }
        return settings
    }

    /// Sets what the options give.
    private func apply(to settings: inout Settings) {
        settings.batching = batching
        validation.apply(to: &settings)
        model.apply(to: &settings)
        training.apply(to: &settings)
        optimisation.apply(to: &settings)
        regularisation.apply(to: &settings)
        output.apply(to: &settings)
        machine.apply(to: &settings)
    }

    /// What needs less memory.
    private static let memoryAdvice: StaticString = "; use a smaller --hidden, --layers, --batch or --time"

    func run() throws {
        Train.memoryAdvice.withUTF8Buffer { ct_set_memory_advice($0.baseAddress) }
        try RankProcesses.lead(threads: machine.threads) { try train(on: $0) }
    }

    /// - Parameter ranks: The processes that this one leads; nil if there is one.
    private func train(on ranks: Ranks?) throws {
        let source = try source
        // At Ctrl-C mpirun ends standard input first, and the part before would pass for the text.
        guard ranks == nil || !source.readsStandardInput else {
            throw ValidationError("With mpirun a text cannot come from standard input: name a file.")
        }
        let folder = RunFolder(path: try output.folder ?? Runs.makeFolder(for: source))
        if source.readsStandardInput, isatty(STDIN_FILENO) != 0 {
            Terminal.note("reading the text from standard input, up to Ctrl-D")
        }
        var reasons: [String] = []
        if let tensorBoard = output.tensorBoard {
            // Before the training has a folder, so that a wrong name leaves none behind.
            mkdir(tensorBoard, 0o777)
            guard access(tensorBoard, W_OK | X_OK) == 0 else {
                throw TrainingError.cannotWrite(path: tensorBoard, reason: String(cString: strerror(errno)))
            }
        }
        let run: TrainingRun
        do {
            let initial = try model.initialModel.map { try InitialModel(path: $0) }
            run = try TrainingRun(
                reading: source, validatingOn: validation.texts, folder: folder, startingFrom: initial, on: ranks
            ) {
                try settings(for: $0, validatingOn: $1, initial?.shape, ranks: ranks?.size ?? 1, &reasons)
            }
        } catch {
            // An empty folder only.
            if output.folder == nil { rmdir(folder.path) }
            throw error
        }
        run.corpus.printWarnings(for: source)
        if let count = source.minimumCount { Terminal.note(run.corpus.unknownSentence(minimumCount: count)) }
        run.printValidationWarnings()
        try TrainingDisplay(run, samples: samples, tensorBoard: output.tensorBoard, choices: reasons).train()
    }

    /// The settings of the preset, or those chosen for a corpus, with what the options give.
    ///
    /// - Parameter shape: The shape of the model to start from.
    private func settings(
        for corpus: Corpus, validatingOn texts: [Corpus], _ shape: ModelShape?, ranks: Int, _ reasons: inout [String]
    ) throws -> Settings {
        func adjust(_ settings: inout Settings) {
            apply(to: &settings)
            guard let shape else { return }
            (settings.cell, settings.layers, settings.hiddenSize) = (shape.cell, shape.layers, shape.hiddenSize)
        }
        if !isChosen {
            var settings = initialSettings(CorpusSource(paths: []))
            adjust(&settings)
            return settings
        }
        let minutes = training.epochs == nil ? training.minutes ?? Recipe.defaultMinutes : nil
        let recipe = try Recipe(corpus, validatingOn: texts, minutes: minutes, ranks: ranks, adjust: adjust)
        reasons = recipe.reasons
        return recipe.settings
    }
}
