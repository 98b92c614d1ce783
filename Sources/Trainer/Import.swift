import ArgumentParser
import InferenceEngine
import Training

/// `trainer import`: makes a model of a network that PyTorch has trained.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a .cgw file of a network that PyTorch has trained.",
        discussion: """
            Reads the state_dict of a network with one RNN, GRU or LSTM of torch.nn, a Linear that gives the logits \
            of the next character, and perhaps an Embedding, whatever they are called, in safetensors. The shapes \
            decide the cell, the layers and the sizes. An RNN must have tanh, which its weights do not show; \
            --logits does. The \
            file may also be of 'export --format safetensors'. When standard output is not a terminal, the model's \
            size, and how well it predicts --text, are printed as a line of JSON.
            """)

    @Argument(
        help: "The weights, a safetensors file.", completion: .file(extensions: ["safetensors"]))
    var weights: String

    @Option(
        help: ArgumentHelp(
            "The network's characters, a JSON file: an array of them in the order of their indices, or an object with "
                + "the index of each.",
            discussion: "The file that 'export --format safetensors' writes beside the weights is one too.",
            valueName: "file"),
        completion: .file(extensions: ["json"]))
    var vocabulary: String

    @Option(
        help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file(extensions: ["cgw"]))
    var output = "model.cgw"

    @Option(
        help: ArgumentHelp(
            "What the network gives for the beginning of --text, to be compared with the model: a safetensors file with "
                + "its logits after each character, [characters, symbols], as 'logits'. (default: none)",
            valueName: "file"),
        completion: .file(extensions: ["safetensors"]))
    var logits: String?

    @OptionGroup
    var model: ModelFileOptions

    func validate() throws {
        guard logits == nil || model.text != nil else { throw ValidationError("--logits needs --text.") }
    }

    func run() throws {
        Terminal.ignoreClosedOutput()
        try ExportFormat.cgw.refuseToOverwriteOthers(output)
        let network = try ImportedNetwork(weights: weights, vocabulary: vocabulary)
        if let logits, let text = model.text { try compare(network, with: logits, of: text) }
        try model.write(network.model, to: output, as: .cgw, from: weights) { CorpusSource(paths: [$0]) }
    }

    private func compare(_ network: ImportedNetwork, with logits: String, of text: String) throws {
        let model = try Model(network.model)
        let comparison = try LogitComparison(
            of: model, reading: Score.text(CorpusSource(paths: [text]), for: model, unknown: .fail),
            expected: network.logits(logits))
        try comparison.check()
        Terminal.note(
            "the logits after \(counted(comparison.characters, "character")) differ from the network's by at most "
                + "\(comparison.difference)")
    }
}
