import Foundation
import Testing
import Training

@testable import Trainer

@Suite("The diagrams of a report")
struct DiagramTests {
    private static let ranges: [ClosedRange<Double>] = [
        0...1, 1...1, 0...0, -3...5, 1.31...2.75, 1...22_300, 0.5...13, 1e-9...1e-3, 0...1e300, -1e300...1e300,
        1...1e12,
    ]

    @Test("an axis has every value between its ends, and few ticks within them", arguments: ranges)
    func axis(range: ClosedRange<Double>) {
        for isLogarithmic in [false, true] {
            let axis = Axis(range, isLogarithmic: isLogarithmic)
            #expect(axis.isLogarithmic == (isLogarithmic && range.lowerBound > 0))
            for value in [range.lowerBound, range.upperBound, -1, 0, 1, 2, 1e9, -.infinity, .infinity, .nan] {
                #expect((0...1).contains(axis.position(of: value)))
            }
            #expect(axis.position(of: range.lowerBound) == 0)
            for count in [2, 6] {
                let ticks = axis.ticks(count)
                #expect(ticks.count <= count + 1)
                for tick in ticks { #expect(tick >= axis.lower && tick <= axis.upper) }
            }
        }
    }

    @Test("ticks are round")
    func ticks() {
        #expect(Axis(1.31...2.75).ticks(6) == [1.5, 2, 2.5])
        #expect(Axis(0...0.002).ticks(2) == [0, 0.001, 0.002])
        #expect(Axis(446...22_300).ticks(6) == [5000, 10_000, 15_000, 20_000])
        #expect(Axis(4...2230, isLogarithmic: true).ticks(6) == [10, 30, 100, 300, 1000])
        #expect(Axis(100...450, isLogarithmic: true).ticks(6) == [100, 200, 300, 400])
    }

    @Test("the horizontal axis is logarithmic if most of the fall is at the beginning")
    func logarithmic() {
        let early = (1...100).map { Point(x: Double($0), y: 1 + 1 / Double($0)) }
        let even = (1...100).map { Point(x: Double($0), y: 3 - Double($0) / 100) }
        #expect(Axis(progressOf: [early]).isLogarithmic)
        #expect(!Axis(progressOf: [even]).isLogarithmic)
        #expect(!Axis(progressOf: []).isLogarithmic && !Axis(progressOf: [[Point(x: 1, y: 1)]]).isLogarithmic)
    }

    @Test("thinning keeps the ends and every peak")
    func thinning() {
        var points = (0..<10_000).map { Point(x: Double($0), y: sin(Double($0) / 700)) }
        points[1234].y = 5
        points[4321].y = -5
        let thinned = points.thinned(along: Axis(0...9999), columns: 100)
        #expect(thinned.count <= 2 * 101 + 2)
        #expect(thinned.first == points.first && thinned.last == points.last)
        #expect(thinned.contains(points[1234]) && thinned.contains(points[4321]))
        #expect(thinned.map(\.x) == thinned.map(\.x).sorted())
    }

    /// Reports as hostile as a file can have them.
    private let runs: [(name: String, reports: [Report])] = [
        ("usual", (1...3000).map { report($0, training: 4 / log(Double($0) + 2), validation: $0 % 60 == 0 ? 2 : nil) }),
        ("odd", [report(-5, training: -1e300), report(Int.max, training: 1e300, validation: 0)]),
        ("one", [report(7, training: 2, validation: 1)]), ("none", []),
    ]

    @Test("every curve and every column of notes is within the view box", arguments: LossCurves.Quantity.allCases)
    func viewBox(quantity: LossCurves.Quantity) throws {
        for runs in runs.map({ [$0] }) + [runs] {
            for diagram in LossCurves(runs: runs).diagrams(along: quantity) {
                let markup = diagram.html.markup
                let paths = markup.matches(of: /class="(?:training|validation|rate) [^"]*" d="M([^"h]*)h?0?"/)
                #expect(paths.count == diagram.curves.filter { !$0.points.isEmpty }.count)
                for path in paths {
                    for place in path.1.split(separator: "L") {
                        let numbers = place.split(separator: " ").map { Double($0) ?? .nan }
                        #expect(numbers.count == 2)
                        #expect((0...diagram.size.width).contains(numbers[0]))
                        #expect((0...diagram.size.rows).contains(numbers[1]))
                    }
                }
                for column in markup.matches(of: /"note" d="M[0-9.]+ 0H([-0-9.a-z]+)V/) {
                    #expect((0...diagram.size.width).contains(try #require(Double(column.1))))
                }
                for label in markup.matches(of: /(?:top|left):([-0-9.a-z]+)%/) {
                    #expect((0...100).contains(try #require(Double(label.1))))
                }
            }
        }
    }
}
