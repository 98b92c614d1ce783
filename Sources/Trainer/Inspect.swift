import ArgumentParser
import Core
import Foundation
import InferenceEngine
import ModelFormat
import Training

/// `trainer inspect`: what is in a model.
struct Inspect: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what is in a .cgw file, and run its self-test.")

    @Argument(help: "The model, a .cgw file.", completion: .file(extensions: ["cgw"]))
    var model: String

    @Flag(help: "Print only the model's provenance, as JSON.")
    var json = false

    func run() throws {
        try FileName.cString(model).withUnsafeBufferPointer { name in
            guard let name = name.baseAddress else { return }
            try show(.path(name))
        }
    }

    private func show(_ source: ModelSource) throws {
        let bytes = try FileBytes(source)
        defer { withExtendedLifetime(bytes) {} }
        let loaded = try Model(bytes, of: source)
        if json { return try Terminal.write(jsonText(loaded.provenance) + "\n") }
        let shape = loaded.shape
        let vocabulary = loaded.vocabulary
        let characters = vocabulary.characters.compactMap { Unicode.Scalar($0) }.map(shown).joined()
        let selfTest = Result { try loaded.verify() }
        // Then nothing is known of the model.
        if case .failure(let error as ChargenError) = selfTest, error.kind == .outOfMemory { throw error }
        try Terminal.write(
            """
            file:        \(FileName.shown(model)), \(Terminal.grouped(Double(bytes.contents.count))) bytes
            cell:        \(shape.cell.name)
            layers:      \(shape.layers)
            hidden size: \(shape.hiddenSize)
            weights:     \(try weightTypes(bytes.contents))
            parameters:  \(Terminal.grouped(Double(shape.parameterCount)))
            documents:   \(documents(vocabulary))
            vocabulary:  \(counted(vocabulary.characters.count, "character")): \(characters)
            labels:      \(labels(loaded))
            unknown:     \(vocabulary.hasUnknown ? "all others are read as one symbol" : "all others are refused")
            backend:     \(loaded.backend.name)
            self-test:   \(described(selfTest))
            provenance:
            \(formatted(loaded.provenance))

            """)
        _ = try selfTest.get()
    }

    private func described(_ selfTest: Result<Bool, any Error>) -> String {
        switch selfTest {
        case .success(true): "passed"
        case .success(false): "none"
        case .failure: "failed"
        }
    }

    private func labels(_ model: Model) -> String {
        guard let labels = model.labels else { return "none" }
        return labels.columns.map { "\($0.name): \(listed($0.labels))".onOneLine }.joined(separator: "; ")
    }

    private func documents(_ vocabulary: Vocabulary) -> String {
        guard vocabulary.hasEndOfDocument else { return "one unending text" }
        return vocabulary.carriesDocuments ? "ends them by itself, and carries its state on" : "ends them by itself"
    }

    /// How the matrices are stored, the smallest type first.
    private func weightTypes(_ bytes: UnsafeRawBufferPointer) throws -> String {
        let file = try ModelFile(bytes)
        let matrices = (0..<file.shape.tensorCount).filter { !file.shape.tensor($0).isBias }
        let types = Set(matrices.map { file.elementType($0) }).sorted { $0.rawValue > $1.rawValue }
        return types.map(\.name.description).joined(separator: ", ")
    }

    /// A character as itself, or as an escape if it is not visible.
    private func shown(_ character: Unicode.Scalar) -> String {
        switch character.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned:
            character.escaped(asASCII: true)
        default: String(character)
        }
    }

    /// A provenance as JSON, which that of a file from elsewhere may not be.
    private func jsonText(_ provenance: String) throws -> String {
        let object = try? JSONSerialization.jsonObject(with: Data(provenance.utf8), options: .fragmentsAllowed)
        return (object == nil ? try JSON.string(provenance) : provenance).visibleJSON
    }

    private func formatted(_ json: String) -> String {
        guard let object = try? JSONSerialization.jsonObject(with: Data(json.utf8)),
            let data = try? JSONSerialization.data(
                withJSONObject: object, options: [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes])
        else { return json.visible }
        return String(decoding: data, as: UTF8.self).visible
    }
}
