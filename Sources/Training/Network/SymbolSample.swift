import CIntrinsics
import Core
import Foundation

/// The symbols over which the softmax of an update is computed: the minibatch's targets, and some
/// that are drawn at random for all others (importance sampling: Bengio and Senécal 2003; Jean et
/// al. 2015).
///
/// The logit of a drawn symbol is raised by the logarithm of the number of symbols that it stands
/// for, so that the sum of exponentials keeps its expectation over the draws.
final class SymbolSample {
    /// The symbols to draw, apart from a few more that fill the last vector.
    private let drawn: Int
    private let columns: Int
    /// [V]: whether each symbol is a target of the minibatch.
    private let isTarget: AlignedBuffer<Bool>
    /// The targets of a row, and the symbols before them.
    private var row: (inputs: AlignedBuffer<Int32>, targets: AlignedBuffer<Int32>)

    /// The number of symbols, a multiple of the kernels' lanes.
    private(set) var count = 0
    /// The symbols in ascending order.
    private let symbols: AlignedBuffer<Int32>
    /// [V]: the place of each symbol that is one of these.
    private let indices: AlignedBuffer<Int32>
    /// [count]: the symbols' biases with what their logits are raised by; after the backward pass,
    /// the gradients of the biases.
    let bias: AlignedBuffer<Float>
    /// [count, columns]: the symbols' rows of the output layer's matrix; after the backward pass,
    /// the gradients of these.
    let rows: AlignedBuffer<Float>

    /// - Parameter drawn: The number of symbols to draw for each minibatch.
    init(drawn: Int, _ layout: ParameterLayout) throws(ChargenError) {
        self.drawn = drawn
        columns = layout.width
        let count = layout.shape.vocabularySize
        isTarget = try AlignedBuffer(count: count, for: "a minibatch's symbols")
        row = try SymbolSample.row(0)
        symbols = try AlignedBuffer(count: count, for: "a minibatch's symbols")
        indices = try AlignedBuffer(count: count, for: "a minibatch's symbols")
        bias = try AlignedBuffer(count: layout.outputWidth, for: "a minibatch's symbols")
        rows = try AlignedBuffer(count: layout.outputWidth * columns, for: "a minibatch's symbols")
    }

    private static func row(
        _ time: Int
    ) throws(ChargenError) -> (inputs: AlignedBuffer<Int32>, targets: AlignedBuffer<Int32>) {
        (
            try AlignedBuffer(count: time, for: "a minibatch's symbols"),
            try AlignedBuffer(count: time, for: "a minibatch's symbols")
        )
    }

    /// Notes the targets of a minibatch.
    func note(_ minibatch: Minibatch, of corpus: Corpus) throws(ChargenError) {
        if row.targets.count < minibatch.time {
            row = try SymbolSample.row(minibatch.time)
        }
        isTarget.elements.update(repeating: false)
        for source in minibatch.rows {
            minibatch.text.copy(
                source.positions, of: corpus, inputs: row.inputs.pointer, targets: row.targets.pointer, stride: 1)
            for step in source.context..<max(source.context, source.positions.count) {
                isTarget.pointer[Int(row.targets.pointer[step])] = true
            }
        }
    }

    /// The targets as another rank gets them.
    var targetBytes: UnsafeMutableRawBufferPointer { isTarget.bytes(isTarget.count) }

    /// Chooses the symbols once the targets are known; false if they would be all symbols.
    ///
    /// - Parameter outputBias: The biases of all symbols.
    func draw(_ random: SplitMix64, bias outputBias: UnsafePointer<Float>) -> Bool {
        let symbolCount = isTarget.count
        let targetCount = isTarget.elements.count { $0 }
        let size = padded(targetCount + drawn)
        guard size < symbolCount else { return false }
        var others = symbolCount - targetCount
        var missing = size - targetCount
        let correction = Float(log(Double(others) / Double(missing)))
        var random = random
        count = 0
        for symbol in 0..<symbolCount {
            let isTarget = isTarget.pointer[symbol]
            if !isTarget {
                // Selection sampling (Knuth, volume 2, 3.4.2, algorithm S).
                defer { others -= 1 }
                guard random.next().multipliedFullWidth(by: UInt64(others)).high < UInt64(missing) else { continue }
                missing -= 1
            }
            symbols.pointer[count] = Int32(symbol)
            indices.pointer[symbol] = Int32(count)
            bias.pointer[count] = outputBias[symbol] + (isTarget ? 0 : correction)
            count += 1
        }
        return true
    }

    /// The place of a target among the symbols.
    func index(of symbol: Int32) -> Int32 { indices.pointer[Int(symbol)] }

    /// The symbol at a place.
    subscript(index: Int) -> Int { Int(symbols.pointer[index]) }

    /// Copies some symbols' rows of the output layer's matrix.
    func copyRows(_ range: Range<Int>, of matrix: UnsafePointer<Float>) {
        for index in range {
            (rows.pointer + index * columns).update(from: matrix + self[index] * columns, count: columns)
        }
    }

    /// Moves the gradients of the symbols at some places to those of all parameters. Symbols that
    /// are not among these get zeros: those before the first place, and those up to the next
    /// place's.
    func setGradients(_ range: Range<Int>, of gradients: Parameters) {
        for index in range {
            if index == 0 { clear(0..<self[0], of: gradients) }
            let symbol = self[index]
            (gradients.outputWeights + symbol * columns).update(from: rows.pointer + index * columns, count: columns)
            gradients.outputBias[symbol] = bias.pointer[index]
            clear(symbol + 1..<(index + 1 < count ? self[index + 1] : bias.count), of: gradients)
        }
    }

    private func clear(_ symbols: Range<Int>, of gradients: Parameters) {
        (gradients.outputWeights + symbols.lowerBound * columns).update(repeating: 0, count: symbols.count * columns)
        (gradients.outputBias + symbols.lowerBound).update(repeating: 0, count: symbols.count)
    }
}
