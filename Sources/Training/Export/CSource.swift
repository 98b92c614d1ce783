import Foundation

/// A `.cgw` file as an array in a source file in C, for programs without a file system.
enum CSource {
    /// The first bytes of each source, by which it is known as chargen's.
    static let beginning = Data("/* A model of chargen".utf8)

    private static let bytesPerLine = 24

    /// The source, which C89 and later and C++ compile.
    ///
    /// - Parameters:
    ///   - file: The bytes of a `.cgw` file.
    ///   - path: The path of the source, from which the array has its name.
    static func text(of file: [UInt8], path: String) -> Data {
        let name = name(path)
        var text = beginning
        text.append(
            contentsOf: """
                , a .cgw file of \(file.count) bytes. A program loads it with
                 *
                 *     extern const unsigned char \(name)[];
                 *     extern const size_t \(name)_length;
                 *     chargen_model *model;
                 *     status = chargen_model_load_memory(\(name), \(name)_length, &model);
                 */
                #include <stddef.h>

                extern const unsigned char \(name)[];
                extern const size_t \(name)_length;
                const size_t \(name)_length = \(file.count);
                const unsigned char \(name)[\(file.count)] = {

                """.utf8)
        for start in stride(from: 0, to: file.count, by: bytesPerLine) {
            let line = file[start..<min(start + bytesPerLine, file.count)]
            text.append(contentsOf: line.map(String.init).joined(separator: ",").utf8)
            text.append(contentsOf: ",\n".utf8)
        }
        text.append(contentsOf: "};\n".utf8)
        return text
    }

    /// The array's name: that of the file, of letters, digits and underscores, and `_cgw`, so that
    /// it is not a keyword.
    private static func name(_ path: String) -> String {
        let file = ((path as NSString).lastPathComponent as NSString).deletingPathExtension
        let letters = String(file.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
        return (letters.first?.isLetter == true ? "" : "model_") + letters + "_cgw"
    }
}
