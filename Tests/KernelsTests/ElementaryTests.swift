import Core
import Foundation
import KernelDispatch
import Testing

/// exp, sigmoid and tanh against Foundation's in Double, whose own error does not count here.
@Suite struct ElementaryTests {
    /// Where exp and sigmoid become 0.
    static let smallestExponent: Float = -87.33654

    /// Every exponent with some hundred mantissas, of both signs; −104 to 20 in steps of 1/1024;
    /// the ends of the domains.
    static let inputs: [Float] = {
        var random = SplitMix64(seed: 1)
        var values: [Float] = [smallestExponent, smallestExponent.nextDown, -5.888854, -4.157294, 4.5050907]
        for exponent in UInt32(0)...254 {
            for _ in 0..<300 {
                let bits = exponent << 23 | UInt32(random.next() >> 41)
                values.append(Float(bitPattern: bits))
                values.append(-Float(bitPattern: bits))
            }
        }
        for step in -104 * 1024...20 * 1024 { values.append(Float(step) / 1024) }
        while values.count % laneCount != 0 { values.append(0) }
        return values
    }()

    /// The largest error over `inputs`, in units in the last place of the exact value rounded to
    /// Float.
    private func largestError(
        of function: (UnsafeMutablePointer<Float>, Int) -> Void, exact: (Double) -> Double,
        over inputs: [Float] = inputs
    ) -> (ulps: Double, at: Float) {
        var results = inputs
        function(&results, results.count)
        var worst = (ulps: 0.0, at: Float(0))
        for (x, result) in zip(inputs, results) {
            let value = exact(Double(x))
            let exponent = max(value == 0 ? -126 : value.exponent, -126)
            let error = abs(Double(result) - value) / Double(sign: .plus, exponent: exponent - 23, significand: 1)
            // Written so that a NaN is the worst of all.
            if !(error <= worst.ulps) { worst = (error, x) }
        }
        return worst
    }

    @Test("exp of a negative number is within 1.06 ULP", arguments: Backend.available)
    func exponential(backend: Backend) {
        let inputs = Self.inputs.map { max(-abs($0), Self.smallestExponent) }
        let worst = largestError(of: backend.kernels.exponential, exact: exp, over: inputs)
        #expect(worst.ulps <= 1.06, "at \(worst.at)")
    }

    @Test("sigmoid is within 2.41 ULP", arguments: Backend.available)
    func sigmoid(backend: Backend) {
        let inputs = Self.inputs.map { max($0, Self.smallestExponent) }
        // In this form neither sign overflows or cancels.
        let worst = largestError(
            of: backend.kernels.sigmoid, exact: { $0 < 0 ? exp($0) / (1 + exp($0)) : 1 / (1 + exp(-$0)) }, over: inputs)
        #expect(worst.ulps <= 2.41, "at \(worst.at)")
    }

    @Test("tanh is within 2.50 ULP", arguments: Backend.available)
    func hyperbolicTangent(backend: Backend) {
        let worst = largestError(of: backend.kernels.hyperbolicTangent, exact: tanh)
        #expect(worst.ulps <= 2.50, "at \(worst.at)")
    }

    private func values(_ inputs: [Float], _ function: (UnsafeMutablePointer<Float>, Int) -> Void) -> [Float] {
        var buffer = inputs + [Float](repeating: 0, count: padded(inputs.count) - inputs.count)
        function(&buffer, buffer.count)
        return Array(buffer[..<inputs.count])
    }

    @Test("Zeros, infinities, subnormals and NaN have their mathematical values", arguments: Backend.available)
    func specialValues(backend: Backend) {
        let tiny = Float.leastNonzeroMagnitude
        let below = Self.smallestExponent.nextDown
        #expect(
            values([0, -0.0, -tiny, -.infinity, below, -.greatestFiniteMagnitude, .nan], backend.kernels.exponential)
                .bits
                == [1, 1, 1, 0, 0, 0, .nan].bits)
        #expect(
            values([0, -0.0, tiny, -tiny, .infinity, -.infinity, below, .nan], backend.kernels.sigmoid).bits
                == [0.5, 0.5, 0.5, 0.5, 1, 0, 0, .nan].bits)
        #expect(
            values([0, -0.0, tiny, -tiny, .infinity, -.infinity, .nan], backend.kernels.hyperbolicTangent).bits
                == [0, -0.0, tiny, -tiny, 1, -1, .nan].bits)
    }

    @Test("exp is rounded once where 2^n times the rest would be subnormal", arguments: Backend.available)
    func smallResults(backend: Backend) {
        // From −80 to −88.
        let inputs = (UInt32(0xC2A0_0000)...0xC2B0_0000).map { Float(bitPattern: $0) }
        let expected = values(inputs, Backend.portable.kernels.exponential).bits
        #expect(values(inputs, backend.kernels.exponential).bits == expected)
    }

    @Test("sigmoid stays within 0...1, tanh within −1...1 and is odd", arguments: Backend.available)
    func ranges(backend: Backend) {
        #expect(values(Self.inputs, backend.kernels.sigmoid).allSatisfy { (0...1).contains($0) })
        let tangents = values(Self.inputs, backend.kernels.hyperbolicTangent)
        #expect(tangents.allSatisfy { (-1...1).contains($0) })
        #expect(values(Self.inputs.map { -$0 }, backend.kernels.hyperbolicTangent).bits == tangents.map { -$0 }.bits)
    }
}
