import Foundation
import ModelFormat

/// A model's cross-entropy on a text beside those of n-gram models and of compressors.
struct Comparison {
    struct Line {
        let name: String
        /// In bits a character.
        let bits: Double
        var isModel = false

        /// The bits; infinity for a model whose output overflows.
        fileprivate var order: Double { bits.isFinite ? bits : .infinity }
    }

    /// The worst first.
    let lines: [Line]

    /// - Parameter modelBits: The model's cross-entropy in bits a symbol.
    init(_ text: HeldOutText, modelBits: Double, vocabulary: Vocabulary) {
        var lines = [Line(name: "this model", bits: modelBits, isModel: true)]
        let count = text.heldOut.reduce(0) { $0 + $1.symbols.count }
        let bytes = Comparison.bytes(text.heldOut, vocabulary)
        let training = text.training.map { Comparison.bytes($0, vocabulary) }
        let compressors = [("zstd -19", Compression.zstd), ("xz -9", Compression.xz)] as [(String, ([UInt8]) -> Int?)]
        for (name, size) in compressors {
            if let alone = size(bytes) {
                lines.append(Line(name: "\(name), alone", bits: Double(8 * alone) / Double(count)))
            }
            if let training, let before = size(training), let after = size(training + bytes) {
                lines.append(
                    Line(name: "\(name), after the training text", bits: Double(8 * (after - before)) / Double(count)))
            }
        }
        if let training = text.training {
            let models = NGramModels(vocabulary, training)
            for (order, bits) in models.bits(text.heldOut).enumerated() {
                lines.append(Line(name: "n-gram model of order \(order)", bits: bits))
            }
        }
        self.lines = lines.sorted { $0.order > $1.order }
    }

    private static func bytes(_ passages: [Passage], _ vocabulary: Vocabulary) -> [UInt8] {
        passages.flatMap { Array($0.text(vocabulary).utf8) }
    }

    var html: HTML {
        let largest = lines.map(\.bits).range?.upperBound ?? 1
        let rows = lines.map { line -> HTML in
            let share = String(format: "%.1f", 100 * min(1, line.order / largest))
            let style: HTML = line.isModel ? " class=\"model\"" : ""
            return """
                <tr\(style)><th scope="row">\(line.name)</th>\
                <td class="bar"><span style="width:\(share)%"></span></td>\
                <td class="number">\(String(format: "%.3f", line.bits))</td></tr>

                """
        }
        return """
            <table class="bars"><thead><tr><th scope="col">predicted by</th><td></td>\
            <th scope="col" class="number">bits a character</th></tr></thead><tbody>
            \(rows)</tbody></table>

            """
    }
}
