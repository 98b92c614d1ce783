import ArgumentParser
import Training

/// `trainer import`: makes a model of a network that PyTorch has trained.
struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Make a .cgw file of a network that PyTorch has trained.",
        discussion: """
            Reads the state_dict of a network with one RNN, GRU or LSTM of torch.nn, a Linear that gives the logits \
            of the next character, and perhaps an Embedding, whatever they are called, in safetensors. The shapes \
            decide the cell, the layers and the sizes. An RNN must have tanh, which its weights do not show. The \
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

    @OptionGroup(title: "Model")
    var model: ModelFileOptions

    func run() throws {
        Terminal.ignoreClosedOutput()
        try ExportFormat.cgw.refuseToOverwriteOthers(output)
        let network = try TrainedModel(importing: weights, vocabulary: vocabulary)
        try model.write(network, to: output, as: .cgw, from: weights) { CorpusSource(paths: [$0]) }
    }
}
