import Foundation

extension TrainedModel {
    private static let metadata = ["format": "pt", "producer": "chargen"]

    /// What follows the length of the header in each file, by which it is known as an export. A
    /// checkpoint begins otherwise.
    static let safetensorsBeginning = Data(#"{"__metadata__":{"format":"pt","producer":"chargen"}"#.utf8)

    /// The weights as a safetensors file, under the names of `torch.nn` in a module with an RNN, a
    /// GRU or an LSTM called `rnn` and a `Linear` called `fc`.
    func safetensors() throws -> Data {
        var file = Safetensors()
        file.metadata = TrainedModel.metadata
        for index in 0..<shape.tensorCount {
            let tensor = shape.tensor(index)
            let sizes = tensor.isBias ? [tensor.rows] : [tensor.rows, tensor.columns]
            file.tensors[tensor.name] = .init(shape: sizes, elements: tensors[index])
        }
        return try file.encoded(hasChecksum: false)
    }
}
