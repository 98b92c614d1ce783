import KernelDispatch
import Kernels
import Testing

/// Every entry of the dispatch table against the portable one, on input that includes infinities and NaN.
@Suite struct BackendTests {
    private static let widths = [16, 32, 48, 176]
    private static let rounds = 50

    /// Runs `kernel` of both backends on the same buffer of wild floats and compares what they leave in it.
    private func expectSameBits(
        as backend: Backend, count: (Int) -> Int, _ kernel: (Backend, UnsafeMutablePointer<Float>, Int) -> Void,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        var random = SplitMix64(seed: 3)
        for width in Self.widths {
            for _ in 0..<Self.rounds {
                let input = random.array(count(width)) { $0.wild() }
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
        expectSameBits(as: backend, count: { $0 }, { $0.sigmoid($1, $2) })
        expectSameBits(as: backend, count: { $0 }, { $0.hyperbolicTangent($1, $2) })
        expectSameBits(as: backend, count: { $0 }) { backend, values, width in
            for index in 0..<width { values[index] = -abs(values[index]) }
            backend.exponential(values, width)
        }
    }

    @Test("Products of floats", arguments: Backend.available)
    func products(backend: Backend) {
        for count in [1, 5] {
            expectSameBits(as: backend, count: { 20 * $0 + count * ($0 + 20) }) { backend, buffer, width in
                let vectors = buffer + 20 * width
                let inputs = (0..<count).map { UnsafeRawPointer(vectors + 20 * $0) }
                backend.addFloat32Product(buffer, width, 20, inputs, count, vectors + 20 * count, width)
                backend.addBFloat16Product(buffer, width, 20, inputs, count, vectors + 20 * count, width)
            }
        }
    }

    @Test("lstmStep", arguments: Backend.available)
    func lstmStep(backend: Backend) {
        expectSameBits(as: backend, count: { 8 * $0 }) { backend, buffer, width in
            backend.lstmStep(
                buffer, buffer + 4 * width, buffer + 5 * width, buffer + 6 * width, buffer + 7 * width, width)
        }
    }

    @Test("lstmStep that overwrites the cell state", arguments: Backend.available)
    func lstmStepInPlace(backend: Backend) {
        expectSameBits(as: backend, count: { 7 * $0 }) { backend, buffer, width in
            let cell = buffer + 4 * width
            backend.lstmStep(buffer, cell, cell, buffer + 5 * width, buffer + 6 * width, width)
        }
    }

    @Test("gruStep", arguments: Backend.available)
    func gruStep(backend: Backend) {
        expectSameBits(as: backend, count: { 6 * $0 }) { backend, buffer, width in
            backend.gruStep(
                buffer, buffer + width, buffer + 2 * width, buffer + 3 * width, buffer + 4 * width,
                buffer + 5 * width, width)
        }
    }

    @Test("gruStep that overwrites the hidden state", arguments: Backend.available)
    func gruStepInPlace(backend: Backend) {
        expectSameBits(as: backend, count: { 5 * $0 }) { backend, buffer, width in
            let hidden = buffer + 4 * width
            backend.gruStep(buffer, buffer + width, buffer + 2 * width, buffer + 3 * width, hidden, hidden, width)
        }
    }

    @Test("sampleWeights", arguments: Backend.available)
    func sampleWeights(backend: Backend) {
        var random = SplitMix64(seed: 4)
        for count in 1...100 {
            let logits = random.array(padded(count)) { $0.wild() }
            for inverseTemperature: Float in [0.001, 0.7, 1, 1000] {
                let results = [backend, .portable].map { backend in
                    var weights = [UInt32](repeating: 7, count: padded(count))
                    let total = backend.sampleWeights(logits, count, inverseTemperature, &weights)
                    let picked = total == 0 ? 0 : backend.pickSymbol(weights, count, total, random.state)
                    return (weights, total, picked, backend.indexOfMaximum(logits, count))
                }
                #expect(results[0] == results[1])
            }
        }
    }

    @Test("A session uses the fastest backend, and the portable one is always there")
    func order() {
        #expect(Backend.available.last.map { "\($0.name)" } == "portable")
        #expect(Backend.availableNames.hasSuffix("portable"))
    }
}
