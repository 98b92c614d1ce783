import Foundation
import InferenceEngine
import ModelFormat
import Training

/// The size of an exported model, and how well it predicts a text, beside the same model in f32.
struct ExportReport {
    private let weights: ElementType
    private let bytes: Int
    private let originalBytes: Int
    private let bits: Double?
    private let originalBits: Double?

    /// - Parameters:
    ///   - file: The bytes of the model's file.
    ///   - original: The same model in f32.
    ///   - originalBytes: The size of its file.
    ///   - text: The text to predict; nil to compare sizes only.
    init(
        _ file: [UInt8], weights: ElementType, original: Model, originalBytes: Int, text: CorpusSource?
    ) throws {
        self.weights = weights
        self.originalBytes = originalBytes
        bytes = file.count
        guard let text else {
            bits = nil
            originalBits = nil
            return
        }
        let corpus = try Score.text(text, for: original)
        let score = try Score(of: original, on: corpus).bits
        originalBits = score
        bits = weights == .float32 ? score : try Score(of: Model(file), on: corpus).bits
    }

    /// How many per cent more bits a character the exported model takes.
    private var difference: Double? {
        guard let bits, let originalBits, originalBits > 0 else { return nil }
        return 100 * (bits / originalBits - 1)
    }

    /// The report in words.
    var sentence: String {
        let isOriginal = weights == .float32
        var words = "\(Terminal.grouped(Double(bytes))) bytes"
        if !isOriginal { words += " (\(Terminal.grouped(Double(originalBytes))) in f32)" }
        if let bits { words += String(format: ", %.4f bits a character", bits) }
        if !isOriginal, let originalBits, let difference {
            words += String(format: " (%.4f in f32: %+.2f %%)", originalBits, difference)
        }
        return words
    }

    private struct Line: Encodable {
        let weights: String
        let bytes: Int
        let bytesInF32: Int
        let bitsPerCharacter: Double?
        let bitsPerCharacterInF32: Double?
        let differencePercent: Double?
    }

    /// The report as a line of JSON, without the line feed.
    func jsonLine() throws -> String {
        let line = Line(
            weights: weights.name.description, bytes: bytes, bytesInF32: originalBytes, bitsPerCharacter: bits,
            bitsPerCharacterInF32: originalBits, differencePercent: difference)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        return String(decoding: try encoder.encode(line), as: UTF8.self)
    }
}
