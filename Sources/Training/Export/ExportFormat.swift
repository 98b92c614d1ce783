import Core
import Foundation
import ModelFormat

/// A format that a model is written in.
public enum ExportFormat: String, CaseIterable, Sendable {
    /// A `.cgw` file.
    case cgw
    /// Weights for PyTorch, and a ``ModelDescription`` beside them.
    case safetensors
    /// An ``ONNXModel``.
    case onnx
    /// A `.cgw` file as a ``CSource``.
    case c

    /// Whether the weights may be of another type than floats.
    public var takesEveryType: Bool { self == .cgw || self == .c }

    /// The files that a model is written to, the last of them at `path`.
    ///
    /// - Parameter modelFile: The model's `.cgw` file.
    /// - Throws: `ChargenError` for a model that is too large for the format.
    public func files(
        of model: TrainedModel, modelFile: [UInt8], path: String
    ) throws -> [(path: String, contents: Data)] {
        guard model.labels == nil || self == .cgw || self == .c else {
            throw ChargenError(
                .invalidArgument,
                "a model with labels cannot be exported as \(rawValue), which has no place for their states; "
                    + "its checkpoint has them as labels.hidden and labels.cell")
        }
        switch self {
        case .cgw: return [(path, Data(modelFile))]
        case .safetensors:
            let description = try JSON.data(ModelDescription(model), isIndented: true) + Data("\n".utf8)
            return [(ExportFormat.descriptionPath(path), description), (path, try model.safetensors())]
        case .onnx: return [(path, try ONNXModel.encode(model))]
        case .c: return [(path, CSource.text(of: modelFile, path: path))]
        }
    }

    /// Refuses to write to a path where there is a file that is not of this format and of chargen:
    /// a model may be replaced; what is named by mistake must not be.
    ///
    /// - Throws: ``TrainingError/cannotWrite(path:reason:)``.
    public func refuseToOverwriteOthers(_ path: String) throws(TrainingError) {
        switch self {
        case .cgw:
            try refuse(path) { !$0.withUnsafeBytes { ModelFile.hasSignature($0) } }
        case .safetensors:
            try refuse(path) { !$0.dropFirst(8).starts(with: TrainedModel.safetensorsBeginning) }
            try refuse(ExportFormat.descriptionPath(path)) { !$0.starts(with: ModelDescription.beginning) }
        case .onnx: try refuse(path) { !$0.starts(with: ONNXModel.beginning) }
        case .c: try refuse(path) { !$0.starts(with: CSource.beginning) }
        }
    }

    private func refuse(_ path: String, where isOther: ([UInt8]) -> Bool) throws(TrainingError) {
        let beginning = try OldFile.beginning(path, count: 100)
        guard beginning.isEmpty || !isOther(beginning) else {
            let kind = self == .cgw ? "a .cgw file" : "an export in the format \(rawValue)"
            throw .cannotWrite(
                path: FileName.shown(path), reason: "it exists, and is not \(kind); choose another name")
        }
    }

    /// The path of the description: `model.json` for `model.safetensors`.
    private static func descriptionPath(_ path: String) -> String {
        let ending = ".safetensors"
        return (path.hasSuffix(ending) ? String(path.dropLast(ending.count)) : path) + ".json"
    }
}
