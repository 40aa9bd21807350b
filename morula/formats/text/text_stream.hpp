// Bytes and lines of a text file, plain, gzip or zstd alike (told by content, not by name).
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace morula::formats {

/// The text of a file as one stream, decompressed on the way when it is gzip or zstd (several members or frames allowed).
/// Throws invalid_data when a compressed file is damaged or ends early; not_found, permission as InputFile.
class TextStream {
public:
    explicit TextStream(const std::filesystem::path& path);
    ~TextStream();
    TextStream(const TextStream&) = delete;
    TextStream& operator=(const TextStream&) = delete;

    /// Fills as much of `out` as there is; returns the number of bytes, 0 at the end.
    std::size_t read(std::span<char> out);
    bool compressed() const;
    /// Size of the file as it lies, and how much of it has been read: for progress.
    std::int64_t file_bytes() const;
    std::int64_t file_bytes_read() const;
    const std::filesystem::path& path() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// Lines without their ending (LF or CR LF); a leading byte-order mark is dropped.
/// Throws invalid_data for a line longer than max_line_bytes: a file of one endless line is no table.
class LineReader {
public:
    static constexpr std::size_t max_line_bytes = std::size_t{1} << 28;

    explicit LineReader(const std::filesystem::path& path);

    /// False at the end. `line` holds until the next call.
    bool next(std::string_view& line);
    /// Number of the line last returned; the first is 1.
    std::int64_t line_number() const { return line_number_; }
    const std::filesystem::path& path() const { return stream_.path(); }
    const TextStream& stream() const { return stream_; }

private:
    bool fill();

    TextStream stream_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool at_end_ = false;
    std::int64_t line_number_ = 0;
};

/// Position of the first byte that is not valid UTF-8, or npos.
std::size_t find_invalid_utf8(std::string_view text);

}  // namespace morula::formats
