import CIntrinsics
import Core
import KernelDispatch
import Testing

/// The kernels of each backend against the portable one, on input that includes infinities and
/// NaN.
@Suite struct BackendTests {
    private static let widths = [16, 32, 48, 176]
    private static let rounds = 50

    /// Runs `kernel` of both backends on the same buffer, special floats included, and compares the
    /// results.
    private func expectSameBits(
        as backend: Backend, count: (Int) -> Int, _ kernel: (Backend, UnsafeMutablePointer<Float>, Int) -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var random = SplitMix64(seed: 3)
        for width in Self.widths {
            for _ in 0..<Self.rounds {
                let input = random.array(count(width)) { $0.anyKind() }
                let results = [backend, .portable].map { backend in
                    var buffer = input
                    kernel(backend, &buffer, width)
                    return buffer.bits
                }
                guard results[0] == results[1] else {
                    Issue.record("width \(width), input \(input)", sourceLocation: sourceLocation)
                    return
                }
            }
        }
    }

    @Test("exp, sigmoid and tanh", arguments: Backend.available)
    func elementary(backend: Backend) {
        expectSameBits(as: backend, count: { $0 }, { $0.kernels.sigmoid($1, $2) })
        expectSameBits(as: backend, count: { $0 }, { $0.kernels.hyperbolicTangent($1, $2) })
        expectSameBits(as: backend, count: { $0 }) { backend, values, width in
            for index in 0..<width { values[index] = -abs(values[index]) }
            backend.kernels.exponential(values, width)
        }
    }

    @Test("Products of floats", arguments: Backend.available)
    func products(backend: Backend) {
        for count in [1, 5] {
            expectSameBits(as: backend, count: { 20 * $0 + count * ($0 + 20) }) { backend, buffer, width in
                let vectors = buffer + 20 * width
                (0..<count).map { UnsafeRawPointer(vectors + 20 * $0) }.withUnsafeBufferPointer { inputs in
                    var product = PackedProduct(
                        weights: buffer, rows: width, columns: 20, inputs: inputs.baseAddress!, count: count,
                        outputs: vectors + 20 * count, stride: width)
                    backend.kernels.addFloat32Product(&product)
                    backend.kernels.addBFloat16Product(&product)
                }
            }
        }
    }

    /// A step forward on four blocks, which the states follow.
    private func stepForward(_ backend: Backend, _ cell: Cell, _ buffer: UnsafeMutablePointer<Float>, _ width: Int) {
        let states = buffer + 4 * width
        var step = StepForward(
            preactivations: buffer, hidden: states, nextHidden: states + width, cell: states + 2 * width,
            nextCell: states + 3 * width, cellTangent: states + 4 * width, width: width)
        backend.forward(cell)(&step)
    }

    @Test("A step forward", arguments: Backend.available, Cell.allCases)
    func forward(backend: Backend, cell: Cell) {
        expectSameBits(as: backend, count: { 9 * $0 }) { stepForward($0, cell, $1, $2) }
    }

    @Test(
        "A step forward that overwrites the states, as the engine takes it", arguments: Backend.available, Cell.allCases
    )
    func forwardInPlace(backend: Backend, cell: Cell) {
        expectSameBits(as: backend, count: { 6 * $0 }) { backend, buffer, width in
            let (hidden, state) = (buffer + 4 * width, buffer + 5 * width)
            var step = StepForward(
                preactivations: buffer, hidden: hidden, nextHidden: hidden, cell: state, nextCell: state,
                cellTangent: buffer, width: width)
            backend.forward(cell)(&step)
        }
    }

    @Test("A step backward", arguments: Backend.available, Cell.allCases)
    func backward(backend: Backend, cell: Cell) {
        expectSameBits(as: backend, count: { 10 * $0 }) { backend, buffer, width in
            let states = buffer + 4 * width
            var step = StepBackward(
                activations: buffer, hidden: states, nextHidden: states + width, cell: states + 2 * width,
                cellTangent: states + 3 * width, hiddenGradient: states + 4 * width,
                carriedGradient: states + 5 * width, width: width)
            backend.trainingKernels().backward(cell)(&step)
        }
    }

    @Test("sampleWeights", arguments: Backend.available)
    func sampleWeights(backend: Backend) {
        var random = SplitMix64(seed: 4)
        for count in 1...100 {
            let logits = random.array(padded(count)) { $0.anyKind() }
            for inverseTemperature: Float in [0.001, 0.7, 1, 1000] {
                let results = [backend, .portable].map { backend in
                    var weights = [UInt32](repeating: 7, count: padded(count))
                    let total = backend.kernels.sampleWeights(logits, count, inverseTemperature, &weights)
                    let picked = total == 0 ? 0 : backend.kernels.pickSymbol(weights, count, total, random.state)
                    return (weights, total, picked, backend.kernels.indexOfMaximum(logits, count))
                }
                #expect(results[0] == results[1])
            }
        }
    }

    @Test("The portable backend is always there, as the last choice")
    func order() {
        #expect(Backend.available.last.map { "\($0.name)" } == "portable")
        #expect(Backend.availableNames.hasSuffix("portable"))
    }
}
