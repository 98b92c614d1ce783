import Core
import Foundation
import ModelFormat

/// The state of a training, as a safetensors file: the parameters under PyTorch's names, Adam's
/// moments, the recurrent state, and in the metadata the settings, the vocabulary, the corpus and
/// the progress.
///
/// It has no time of day and no duration: the same training gives the same bytes.
public struct Checkpoint {
    /// The value of `chargen` in the metadata, as JSON.
    struct Description: Codable {
        var version: String
        var settings: Settings
        var characters: [UInt32]
        /// nil is false.
        var hasUnknown: Bool?
        var hasEndOfDocument: Bool
        /// nil for none.
        var labels: [Labels.Column]?
        var corpus: CorpusFacts
        /// Those of the other texts to validate on; nil for none.
        var validationTexts: [CorpusFacts]?
        var progress: Progress
    }

    /// The version of chargen that wrote a checkpoint, whatever else it has.
    private struct Version: Decodable {
        let version: String

        /// Whether a version, such as `0.2.0-dev`, is later than another; what follows the numbers
        /// does not count.
        static func isLater(_ version: String, than other: String) -> Bool {
            func numbers(_ version: String) -> [Int] {
                version.prefix { $0 != "-" && $0 != "+" }.split(separator: ".").map { Int($0) ?? 0 }
            }
            return numbers(other).lexicographicallyPrecedes(numbers(version))
        }
    }

    let description: Description
    /// The model's symbols.
    public let vocabulary: Vocabulary
    /// The labels of documents; nil for none.
    public let labels: Labels?
    let shape: ModelShape
    private let file: Safetensors
    /// The path of the file.
    public let path: String

    /// The training's settings, with the places that its folder's `settings.json` says, if it can
    /// be read.
    public let settings: Settings
    /// The training's progress.
    public var progress: Progress { description.progress }
    /// Whether the training has reached its last update.
    public var isFinished: Bool { progress.isOver(settings) }
    /// The number of weights and biases.
    public var parameterCount: Int { shape.parameterCount }

    private static let metadataKey = "chargen"

    /// Whether a file is a checkpoint of a training, or meant to be one.
    static func isCheckpoint(_ file: Safetensors) -> Bool { file.metadata[metadataKey] != nil }

    private static let firstMomentPrefix = "adam.first."
    private static let secondMomentPrefix = "adam.second."
    private static let averagePrefix = "average."
    private static let hiddenName = "state.hidden"
    private static let cellName = "state.cell"

    // MARK: - Writing

    /// The bytes of a checkpoint.
    static func encode(
        _ description: Description, network: Network, optimiser: Optimiser, state: RecurrentState?
    ) throws -> Data {
        var tensors: [String: Safetensors.Source] = [:]
        let shape = network.shape
        for index in 0..<shape.tensorCount {
            let tensor = shape.tensor(index)
            let sizes = tensor.isBias ? [tensor.rows] : [tensor.rows, tensor.columns]
            func add(_ parameters: Parameters, _ prefix: String) {
                tensors[prefix + tensor.name] = .init(shape: sizes) { parameters.copyTensor(index, to: $0) }
            }
            add(network.parameters, "")
            add(optimiser.firstMoments, firstMomentPrefix)
            add(optimiser.secondMoments, secondMomentPrefix)
            if let averages = optimiser.averages { add(averages, averagePrefix) }
        }
        if let state {
            let sizes = [shape.layers, state.rows, network.layout.width]
            tensors[hiddenName] = .init(shape: sizes) { _ = $0.update(fromContentsOf: state.hidden.elements) }
            if state.cells.count > 0 {
                tensors[cellName] = .init(shape: sizes) { _ = $0.update(fromContentsOf: state.cells.elements) }
            }
        }
        return try Safetensors.encode(tensors, metadata: [metadataKey: try JSON.string(description)])
    }

    // MARK: - Reading

    /// Reads a checkpoint and checks that it is complete and consistent.
    ///
    /// - Throws: ``TrainingError/invalidCheckpoint(path:_:)``.
    public init(path: String) throws {
        try self.init(path: path, of: RunFolder(path: AtomicFile.folder(of: path)))
    }

    /// Reads a checkpoint of a training, whose folder it need not be in.
    init(path: String, of run: RunFolder) throws {
        try self.init(path: path, places: run.settings) { () throws(SystemError) in try FileContents.read(path) }
    }

    /// Reads a checkpoint in the folder of a training.
    init(_ name: String, in run: RunFolder) throws {
        let folder = try run.opened()
        try self.init(path: folder.path(of: name), places: run.settings) { () throws(SystemError) in
            try folder.read(name)
        }
    }

    init(
        path: String, places: () throws -> Settings? = { nil }, read: () throws(SystemError) -> Data
    ) throws {
        self.path = path
        let data: Data
        do throws(SystemError) {
            data = try read()
        } catch {
            throw TrainingError.invalidCheckpoint(path: path, error.reason)
        }
        do {
            file = try Safetensors(data)
        } catch let error as Safetensors.FormatError {
            throw TrainingError.invalidCheckpoint(path: path, error.reason)
        }
        guard let json = file.metadata[Checkpoint.metadataKey],
            let written = try? JSONDecoder().decode(Version.self, from: Data(json.utf8)).version
        else { throw TrainingError.invalidCheckpoint(path: path, "it is not a checkpoint of chargen") }
        // Such as the name of a checksum that was changed.
        if let key = file.metadata.keys.first(where: { $0 != Checkpoint.metadataKey }) {
            throw TrainingError.invalidCheckpoint(
                path: path, "it was edited: its metadata has '\(FileName.shown(key))', which no checkpoint has")
        }
        guard !Version.isLater(written, than: chargenVersion) else {
            throw TrainingError.invalidCheckpoint(
                path: path, "it is of chargen \(written), and this is chargen \(chargenVersion)")
        }
        guard let description = try? JSONDecoder().decode(Description.self, from: Data(json.utf8)),
            let vocabulary = Vocabulary(
                characters: description.characters, hasUnknown: description.hasUnknown ?? false,
                hasEndOfDocument: description.hasEndOfDocument,
                carriesDocuments: description.settings.carriesDocuments)
        else {
            throw TrainingError.invalidCheckpoint(path: path, "it is not a checkpoint of this version of chargen")
        }
        do {
            try description.settings.validate()
        } catch {
            throw TrainingError.invalidCheckpoint(path: path, "\(error)")
        }
        if let reason = description.progress.impossibility {
            throw TrainingError.invalidCheckpoint(path: path, reason)
        }
        let labels = description.labels.flatMap { Labels($0) }
        guard (labels == nil) == (description.labels == nil), labels == nil || !vocabulary.carriesDocuments else {
            throw TrainingError.invalidCheckpoint(path: path, "its labels are not in order")
        }
        self.description = description
        settings = try places().map(description.settings.located) ?? description.settings
        self.vocabulary = vocabulary
        self.labels = labels
        shape = ModelShape(
            cell: description.settings.cell, layers: description.settings.layers,
            hiddenSize: description.settings.hiddenSize, vocabularySize: vocabulary.count,
            labelCount: labels?.count ?? 0)
        for index in 0..<shape.tensorCount {
            var prefixes = ["", Checkpoint.firstMomentPrefix, Checkpoint.secondMomentPrefix]
            if isAveraged { prefixes.append(Checkpoint.averagePrefix) }
            for prefix in prefixes {
                _ = try elements(prefix + shape.tensor(index).name, count: shape.tensor(index).count)
            }
        }
    }

    /// Whether the model is the running mean of the parameters.
    private var isAveraged: Bool { settings.averaging > 0 }

    private func elements(_ name: String, count: Int) throws -> [Float] {
        guard let tensor = file.tensors[name], tensor.elements.count == count else {
            throw TrainingError.invalidCheckpoint(path: path, "tensor '\(name)' is missing or has another size")
        }
        return tensor.elements
    }

    /// The bound of hidden states, which are means of values of tanh, with room for rounding.
    private static let largestHidden: Float = 1.001

    /// The elements of a tensor of a state or of moments, of which none may be impossible.
    ///
    /// - Parameter problem: What such an element is.
    private func elements(
        _ name: String, count: Int, _ problem: String, where isImpossible: (Float) -> Bool
    ) throws -> [Float] {
        let elements = try elements(name, count: count)
        if let value = elements.first(where: isImpossible) {
            throw TrainingError.invalidCheckpoint(
                path: path, "tensor '\(name)' has the value \(value), which \(problem)")
        }
        return elements
    }

    /// Sets a network of the checkpoint's shape, its optimiser and its state to the checkpoint's.
    func restore(_ network: Network, _ optimiser: Optimiser, _ state: RecurrentState?) throws {
        for index in 0..<shape.tensorCount {
            let tensor = shape.tensor(index)
            network.parameters.setTensor(index, try elements(tensor.name, count: tensor.count))
            optimiser.firstMoments.setTensor(
                index, try elements(Checkpoint.firstMomentPrefix + tensor.name, count: tensor.count))
            let second = Checkpoint.secondMomentPrefix + tensor.name
            optimiser.secondMoments.setTensor(
                index, try elements(second, count: tensor.count, "is negative") { $0 < 0 })
            optimiser.averages?.setTensor(
                index, try elements(Checkpoint.averagePrefix + tensor.name, count: tensor.count))
        }
        optimiser.updates = progress.updates
        if let state {
            let hidden = try elements(
                Checkpoint.hiddenName, count: state.hidden.count, "is not between −1 and 1"
            ) { !(abs($0) <= Checkpoint.largestHidden) }
            _ = state.hidden.elements.update(fromContentsOf: hidden)
            if state.cells.count > 0 {
                // Each time step adds at most 1.
                let most = Checkpoint.largestHidden * Float(progress.updates) * Float(settings.time)
                let cells = try elements(
                    Checkpoint.cellName, count: state.cells.count, "is larger than the time steps allow"
                ) { !(abs($0) <= most) }
                _ = state.cells.elements.update(fromContentsOf: cells)
            }
        }
    }

    // MARK: - Export

    /// The checkpoint's model.
    ///
    /// - Throws: ``TrainingError/invalidCheckpoint(path:_:)`` when a value is not finite.
    public func model() throws -> TrainedModel {
        TrainedModel(
            shape: shape, vocabulary: vocabulary, labels: labels, provenance: description.provenance,
            tensors: try finiteTensors())
    }

    /// The bytes of the checkpoint's model as a `.cgw` file: see
    /// ``TrainedModel/modelFile(weights:calibration:)``.
    ///
    /// - Throws: What ``model()`` throws, or `ChargenError`.
    public func modelFile(weights: ElementType = .float32, calibration: [[Int]] = []) throws -> [UInt8] {
        try model().modelFile(weights: weights, calibration: calibration)
    }

    /// The elements of each tensor in ``ModelShape/tensor(_:)``'s order.
    func finiteTensors() throws -> [[Float]] {
        try (0..<shape.tensorCount).map { index in
            let tensor = shape.tensor(index)
            let name = (isAveraged ? Checkpoint.averagePrefix : "") + tensor.name
            let elements = try elements(name, count: tensor.count)
            guard elements.allSatisfy(\.isFinite) else {
                throw TrainingError.invalidCheckpoint(
                    path: path, "tensor '\(name)' has a value that is not finite")
            }
            return elements
        }
    }
}

/// What identifies a corpus.
struct CorpusFacts: Codable, Equatable {
    /// The SHA-256 of the files' bytes, one after the other.
    var sha256: String
    var characters: Int
    var documents: Int
    /// The SHA-256 of the documents' labels; nil without labels.
    var labels: String?

    init(_ corpus: Corpus) {
        sha256 = corpus.sha256
        characters = corpus.characterCount
        documents = corpus.documentCount
        labels = corpus.labels?.sha256
    }
}
