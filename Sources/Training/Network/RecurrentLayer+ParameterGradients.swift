import CIntrinsics
import Core
import KernelDispatch
import Kernels

/// The gradients of a layer's parameters, after the backward pass of all rows: sums over the rows
/// and time steps of a slice, computed in chunks of columns.
extension RecurrentLayer {
    /// The chunks of ``setGradients(chunk:size:_:input:slice:mask:scratch:)``: some columns of a
    /// block of preactivations each.
    func gradientChunks(size: Int) -> Int { cell.gates.blockCount * blockChunks(size) }

    private func blockChunks(_ size: Int) -> Int { divideRoundingUp(width, by: size) }

    /// Leaves a chunk of the gradients of the parameters, over all rows and time steps of a slice.
    ///
    /// - Parameters:
    ///   - size: The columns of a chunk, at most `transposedProductRows`.
    ///   - mask: What was dropped of the hidden weights; nil if nothing was.
    ///   - scratch: The worker's (``Activations/scratch``).
    func setGradients(
        chunk index: Int, size: Int, _ gradients: LayerParameters, input: Input, slice: Int, mask: DropMask?,
        scratch: UnsafeMutablePointer<Float>
    ) {
        let chunk = gradientChunk(index, size: size, gradients, input)
        clear(chunk, input)
        // So many rows at once that what reads them second finds them in the cache.
        let places = places.places(ofSlice: slice)
        for start in Swift.stride(from: places.lowerBound, to: places.upperBound, by: transposedProductTerms) {
            addGradients(chunk, input, start..<min(start + transposedProductTerms, places.upperBound), scratch)
        }
        if let mask, let hiddenWeights = chunk.hiddenWeights {
            for row in 0..<chunk.columns {
                let weights = hiddenWeights + row * width
                mask.multiply(weights, to: weights, count: width, row: chunk.hiddenColumn + row)
            }
        }
        if case .symbols = input, let symbolWeights = chunk.inputWeights {
            // Each preactivation's gradient has gone to one symbol's row.
            var addition = RowAddition(
                source: symbolWeights, stride: symbolStride, rows: chunk.symbolCount, target: chunk.bias,
                targetStride: 0, indices: nil, count: chunk.columns)
            kernels.addRows(&addition)
        }
        chunk.secondBias?.update(from: chunk.bias, count: chunk.columns)
    }

    /// Some columns of a block of preactivations, and where the gradients of the parameters that
    /// add to them go.
    private struct GradientChunk {
        /// The first column among all preactivations, which is that among the input's.
        let column: Int
        /// The first column among those that the hidden state adds to.
        let hiddenColumn: Int
        let columns: Int
        let symbolCount: Int
        /// A row for each column; nil if the hidden state does not add to the block.
        let hiddenWeights: UnsafeMutablePointer<Float>?
        /// A row for each column or, in the first layer, a row for each symbol; nil if the input
        /// does not add to the block.
        let inputWeights: UnsafeMutablePointer<Float>?
        let bias: UnsafeMutablePointer<Float>
        /// The other bias that adds to the same preactivations, whose gradients are the same.
        let secondBias: UnsafeMutablePointer<Float>?
    }

    private func gradientChunk(
        _ index: Int, size: Int, _ gradients: LayerParameters, _ input: Input
    ) -> GradientChunk {
        let gates = cell.gates
        let block = index / blockChunks(size)
        let offset = index % blockChunks(size) * size
        let column = block * width + offset
        let hiddenColumn = column - gates.firstHiddenBlock * width
        let hasHidden = hiddenColumn >= 0
        let hasInput = block < gates.gateCount
        let inputWeights =
            switch input {
            case .symbols: gradients.inputWeights + column
            case .hidden: gradients.inputWeights + column * width
            }
        let inputBias = gradients.inputBias + column
        return GradientChunk(
            column: column, hiddenColumn: hiddenColumn, columns: min(size, width - offset),
            symbolCount: gradients.symbolCount,
            hiddenWeights: hasHidden ? gradients.hiddenWeights + hiddenColumn * width : nil,
            inputWeights: hasInput ? inputWeights : nil,
            bias: hasHidden ? gradients.hiddenBias + hiddenColumn : inputBias,
            secondBias: hasHidden && hasInput ? inputBias : nil)
    }

    /// The distance between the rows of the first layer's input weights.
    private var symbolStride: Int { cell.gates.gateCount * width }

    private func clear(_ chunk: GradientChunk, _ input: Input) {
        chunk.hiddenWeights?.update(repeating: 0, count: chunk.columns * width)
        chunk.bias.update(repeating: 0, count: chunk.columns)
        guard let inputWeights = chunk.inputWeights else { return }
        switch input {
        case .symbols:
            for symbol in 0..<chunk.symbolCount {
                (inputWeights + symbol * symbolStride).update(repeating: 0, count: chunk.columns)
            }
        case .hidden: inputWeights.update(repeating: 0, count: chunk.columns * width)
        }
    }

    /// Adds the gradients at some places.
    private func addGradients(
        _ chunk: GradientChunk, _ input: Input, _ range: Range<Int>, _ scratch: UnsafeMutablePointer<Float>
    ) {
        let start = range.lowerBound
        var addition = RowAddition(
            source: preactivations.pointer + start * stride + chunk.column, stride: stride, rows: range.count,
            target: chunk.bias, targetStride: 0, indices: nil, count: chunk.columns)
        if let hiddenWeights = chunk.hiddenWeights {
            addProduct(addition, previousHidden + start * width, to: hiddenWeights, continuesA: true, scratch)
        }
        if let inputWeights = chunk.inputWeights {
            switch input {
            case .symbols(let symbols):
                addition.target = inputWeights
                addition.targetStride = symbolStride
                addition.indices = symbols + start
            case .hidden(let below):
                addProduct(
                    addition, below + start * width, to: inputWeights, continuesA: chunk.hiddenWeights == nil, scratch)
            }
        }
        kernels.addRows(&addition)
    }

    /// Adds the products of some rows of gradients and the states that they were multiplied with.
    private func addProduct(
        _ rows: RowAddition, _ states: UnsafePointer<Float>, to weights: UnsafeMutablePointer<Float>, continuesA: Bool,
        _ scratch: UnsafeMutablePointer<Float>
    ) {
        var product = MatrixProduct(
            a: rows.source, aStride: rows.stride, aBlock: 0, b: states, bStride: width, bias: nil, c: weights,
            cStride: width, cBlock: 0, m: rows.count, blocks: 1, n: width, k: rows.rows, prefetch: nil,
            prefetchCount: 0, continuesA: continuesA, scratch: scratch)
        kernels.multiplyTransposed(&product)
    }
}
