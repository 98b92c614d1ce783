import Testing

@testable import Training

@Suite("The division of rows among workers")
struct RowDivisionTests {
    @Test("is even at first, and gives every row to one chunk", arguments: [1, 2, 7, 50, 128])
    func even(rows: Int) throws {
        let division = try RowDivision(chunks: 3)
        division.divide(rows: rows)
        #expect((0..<3).flatMap { Array(division[$0]) } == Array(0..<rows))
        #expect((0..<3).allSatisfy { abs(division[$0].count - rows / 3) <= 1 })
    }

    @Test("follows the workers' speeds, so that they end together")
    func speeds() throws {
        let division = try RowDivision(chunks: 2)
        for _ in 0..<100 {
            division.divide(rows: 60)
            division.note(0, took: .milliseconds(division[0].count))
            division.note(1, took: .milliseconds(2 * division[1].count))
        }
        #expect(division[0] == 0..<40)
        #expect(division[1] == 40..<60)
    }

    @Test("leaves a delayed worker enough rows to measure its speed")
    func heldUp() throws {
        let division = try RowDivision(chunks: 2)
        for _ in 0..<100 {
            division.divide(rows: 50)
            division.note(0, took: .milliseconds(1))
            division.note(1, took: .seconds(1000))
        }
        #expect(division[1].count >= 10)
        for _ in 0..<100 {
            division.divide(rows: 50)
            for chunk in 0..<2 { division.note(chunk, took: .milliseconds(division[chunk].count)) }
        }
        #expect(division[0] == 0..<25)
    }
}
