import Foundation
import InferenceEngine
import ModelFormat
import Training

/// The size of an exported model, and how well it predicts a text, beside the same model in f32.
struct ExportReport {
    private let weights: ElementType
    private let bytes: Int
    private let originalBytes: Int
    private let score: Score?
    private let originalScore: Score?

    /// - Parameters:
    ///   - bytes: The size of what is exported.
    ///   - original: The same model in f32.
    ///   - originalBytes: The size of its `.cgw` file.
    ///   - text: The text to predict; nil to compare sizes only.
    ///   - exported: The model that is exported, unless in f32.
    init(
        bytes: Int, weights: ElementType, original: Model, originalBytes: Int, text: Corpus?,
        exported: @autoclosure () throws -> Model
    ) throws {
        self.weights = weights
        self.bytes = bytes
        // Floats are exported as they are.
        self.originalBytes = weights == .float32 ? bytes : originalBytes
        originalScore = try text.map { try Score(of: original, on: $0) }
        score = weights == .float32 ? originalScore : try text.map { try Score(of: exported(), on: $0) }
    }

    /// How many per cent more bits a character the exported model takes.
    private var difference: Double? {
        guard let score, let originalScore, originalScore.bits > 0 else { return nil }
        return 100 * (score.bits / originalScore.bits - 1)
    }

    /// The report in words.
    var sentence: String {
        let isOriginal = weights == .float32
        var words = "\(Terminal.grouped(Double(bytes))) bytes"
        if !isOriginal { words += " (\(Terminal.grouped(Double(originalBytes))) in f32)" }
        if let score { words += String(format: ", %.4f bits a character", score.bits) }
        if !isOriginal, let originalScore, let difference {
            words += String(format: " (%.4f in f32: %+.2f %%)", originalScore.bits, difference)
        }
        if let score, score.unknownCharacters > 0 { words += ", \(score.unknownSentence)" }
        return words
    }

    private struct Line: Encodable {
        let weights: String
        let bytes: Int
        let bytesInF32: Int
        let bitsPerCharacter: Double?
        let bitsPerCharacterInF32: Double?
        let differencePercent: Double?
        let unknownCharacters: Int?
    }

    /// The report as a line of JSON, without the line feed.
    func jsonLine() throws -> String {
        let line = Line(
            weights: weights.name.description, bytes: bytes, bytesInF32: originalBytes, bitsPerCharacter: score?.bits,
            bitsPerCharacterInF32: originalScore?.bits, differencePercent: difference,
            unknownCharacters: score?.unknownCharacters)
        return try JSON.string(line)
    }
}
