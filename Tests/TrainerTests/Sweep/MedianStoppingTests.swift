import Testing

@testable import Trainer
@testable import Training

@Suite("The median stopping rule")
struct MedianStoppingTests {
    /// A curve with a report after each tenth of a training of 100 s, up to a part of it.
    private func curve(
        loss: Double, upTo end: Double = 1, parameters: Int = 1000, slowness: Double = 1
    ) -> LossCurve {
        let reports = (1...10).filter { Double($0) / 10 <= end }.map { tenth -> Report in
            var report = report(
                Int(Double(tenth * 1000) * slowness), training: 5, validation: loss + 1 / Double(tenth))
            report.fraction = Double(tenth) / 10
            return report
        }
        var curve = LossCurve(reports, parameterCount: parameters)
        curve.isComplete = end == 1
        return curve
    }

    private let rivals = [1.0, 2, 3]

    @Test("stops what is worse than the median of the others at the same point")
    func median() {
        let others = rivals.map { curve(loss: $0) }
        #expect(MedianStopping.isHopeless(curve(loss: 2.1, upTo: 0.5), among: others))
        #expect(!MedianStopping.isHopeless(curve(loss: 2, upTo: 0.5), among: others))
        let even = others + [curve(loss: 4)]
        #expect(MedianStopping.isHopeless(curve(loss: 2.6, upTo: 0.5), among: even))
        #expect(!MedianStopping.isHopeless(curve(loss: 2.4, upTo: 0.5), among: even))
    }

    @Test("stops nothing at its beginning, nor what is done")
    func grace() {
        let others = rivals.map { curve(loss: $0) }
        #expect(!MedianStopping.isHopeless(curve(loss: 9, upTo: 0.2), among: others))
        #expect(MedianStopping.isHopeless(curve(loss: 9, upTo: 0.3), among: others))
        #expect(!MedianStopping.isHopeless(curve(loss: 9), among: others))
        #expect(!MedianStopping.isHopeless(LossCurve([], parameterCount: 1), among: others))
    }

    @Test("waits until three others have come so far, or have ended")
    func rivalCount() {
        let hopeless = curve(loss: 9, upTo: 0.5)
        #expect(!MedianStopping.isHopeless(hopeless, among: rivals[..<2].map { curve(loss: $0) }))
        #expect(!MedianStopping.isHopeless(hopeless, among: rivals.map { curve(loss: $0, upTo: 0.4) }))
        #expect(MedianStopping.isHopeless(hopeless, among: rivals.map { curve(loss: $0, upTo: 0.5) }))
        var patient = rivals.map { curve(loss: $0, upTo: 0.4) }
        for index in patient.indices { patient[index].isComplete = true }
        #expect(MedianStopping.isHopeless(hopeless, among: patient))
    }

    @Test("compares with others at the same point, not with where they are now")
    func samePoint() {
        // At half of the training the others' losses are 1.2, 2.2 and 3.2; at the end 1.1 to 3.1.
        #expect(!MedianStopping.isHopeless(curve(loss: 2, upTo: 0.5), among: rivals.map { curve(loss: $0) }))
    }

    @Test("does not compare a small model with larger ones, nor a quick training with much slower ones")
    func sizeAndTime() {
        let hopeless = curve(loss: 9, upTo: 0.5)
        #expect(!MedianStopping.isHopeless(hopeless, among: rivals.map { curve(loss: $0, parameters: 1001) }))
        #expect(MedianStopping.isHopeless(hopeless, among: rivals.map { curve(loss: $0, parameters: 999) }))
        #expect(!MedianStopping.isHopeless(hopeless, among: rivals.map { curve(loss: $0, slowness: 2.5) }))
        #expect(MedianStopping.isHopeless(hopeless, among: rivals.map { curve(loss: $0, slowness: 0.5) }))
        #expect(MedianStopping.isHopeless(hopeless, among: rivals.map { curve(loss: $0, slowness: 1.9) }))
    }

    @Test("a curve has the lowest loss so far, of the reports that have one")
    func curves() {
        let losses = [3, nil, 2, 2.5]
        let reports = losses.enumerated().map { index, loss -> Report in
            var report = report(100 * (index + 1), training: 4, validation: loss)
            report.fraction = Double(index + 1) / 4
            return report
        }
        let curve = LossCurve(reports, parameterCount: 1)
        #expect(curve.points.map(\.loss) == [3, 2, 2] && curve.points.map(\.fraction) == [0.25, 0.75, 1])
        #expect(curve.point(at: 0.5)?.loss == 3 && curve.point(at: 0.1) == nil)
        #expect(LossCurve(Array(reports[..<2]), parameterCount: 1).point(at: 0.5) == nil)
    }
}
