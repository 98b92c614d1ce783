import Testing

@testable import Trainer

@Suite("The loss curve on a terminal")
struct TerminalCurveTests {
    @Test("falls from the top left to the bottom right, with the losses and updates at its ends")
    func line() {
        let reports = (0...10).map { report(100 * $0, training: 3 - 0.2 * Double($0)) }
        #expect(
            TerminalCurve.lines(reports, columns: 39, rows: 3) == [
                " 3.000 ⠉⠑⠒⠒⠢⠤⠤⢄⣀⣀⡀                     ",
                "                 ⠉⠉⠉⠒⠒⠒⠤⠤⠤⣀⣀⣀          ",
                " 1.000                      ⠈⠉⠉⠑⠒⠒⠢⠤⠤⢄⣀",
                "       0 training loss by update  1,000",
            ])
    }

    @Test("fits the terminal whatever the losses are", arguments: [20, 40, 80, 200])
    func width(columns: Int) {
        let losses: [[Double]] = [[1, 1], [1e300, -1e300, 0], [.nan, 2, .infinity, 1], [5, 2, 1.5, 1.4, 1.35]]
        for losses in losses {
            let reports = losses.enumerated().map { report($0 * 1000 + 1, training: $1, validation: $1) }
            let lines = TerminalCurve.lines(reports, columns: columns)
            #expect(lines.count == 5)
            for line in lines { #expect(line.count <= columns) }
            for line in lines.dropLast() { #expect(line.count == columns) }
        }
    }

    @Test("shows the validation loss if there are two values of it")
    func validation() {
        let one = [report(1, training: 9, validation: 2), report(2, training: 8)]
        #expect(TerminalCurve.lines(one, columns: 60).last?.contains("training loss") == true)
        let two = one + [report(3, training: 7, validation: 1)]
        #expect(TerminalCurve.lines(two, columns: 60).last?.contains("validation loss") == true)
        #expect(TerminalCurve.lines(two, columns: 60)[0].hasPrefix(" 2.000 "))
    }

    @Test("is empty without two reports, or on a narrow terminal")
    func empty() {
        #expect(TerminalCurve.lines([report(1, training: 2)], columns: 80) == [])
        #expect(TerminalCurve.lines([report(1, training: 2), report(2, training: 1)], columns: 10) == [])
    }
}
