#include "morula/formats/text/text_stream.hpp"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "morula/core/error.hpp"
#include "morula/core/file.hpp"

namespace morula::formats {

namespace {

constexpr std::size_t kInputBytes = std::size_t{1} << 18;
constexpr std::size_t kLineBufferBytes = std::size_t{1} << 20;

enum class Compression { none, gzip, zstd };

Compression compression_of(const InputFile& file) {
    std::byte magic[4] = {};
    const std::int64_t n = file.read_some(0, magic);
    if (n >= 2 && magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b}) return Compression::gzip;
    if (n == 4 && magic[0] == std::byte{0x28} && magic[1] == std::byte{0xb5} && magic[2] == std::byte{0x2f} && magic[3] == std::byte{0xfd}) return Compression::zstd;
    return Compression::none;
}

struct FreeZstd {
    void operator()(ZSTD_DStream* stream) const { ZSTD_freeDStream(stream); }
};

}  // namespace

struct TextStream::State {
    explicit State(const std::filesystem::path& path) : file(path), compression(compression_of(file)) {
        if (compression == Compression::none) return;
        input.resize(kInputBytes);
        bool ready = false;
        if (compression == Compression::gzip) {
            ready = inflateInit2(&inflater, 15 + 16) == Z_OK;  // 16: expects a gzip frame
        } else {
            zstd.reset(ZSTD_createDStream());
            ready = zstd != nullptr;
        }
        if (!ready) fail(ErrorCode::resource_limit, "There is no memory to decompress " + path.string() + ".", "Free some memory and try again.");
    }
    ~State() {
        if (compression == Compression::gzip) inflateEnd(&inflater);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    std::size_t read_plain(std::span<char> out) {
        const std::int64_t n = file.read_some(offset, std::as_writable_bytes(out));
        offset += n;
        return static_cast<std::size_t>(n);
    }

    bool refill() {
        const std::int64_t n = file.read_some(offset, std::as_writable_bytes(std::span<char>(input)));
        offset += n;
        inflater.next_in = reinterpret_cast<Bytef*>(input.data());
        inflater.avail_in = static_cast<uInt>(n);
        return n > 0;
    }

    // After a member: another one, padding of zeros (tapes, some servers), or the end.
    bool next_member() {
        while (true) {
            if (inflater.avail_in == 0 && !refill()) {
                return false;
            }
            if (*inflater.next_in != 0) {
                inflateReset(&inflater);
                return true;
            }
            ++inflater.next_in;
            --inflater.avail_in;
        }
    }

    std::size_t read_gzip(std::span<char> out) {
        inflater.next_out = reinterpret_cast<Bytef*>(out.data());
        inflater.avail_out = static_cast<uInt>(out.size());
        while (inflater.avail_out > 0 && !ended) {
            if (inflater.avail_in == 0 && !refill()) {
                invalid_data(file.path().string() + ": the gzip file ends early, after " + std::to_string(file.size()) + " bytes.", "Copy or download the file again.");
            }
            const int status = inflate(&inflater, Z_NO_FLUSH);
            if (status == Z_STREAM_END) {
                ended = !next_member();
            } else if (status != Z_OK && status != Z_BUF_ERROR) {
                invalid_data(file.path().string() + ": the gzip data are damaged near byte " + std::to_string(offset - static_cast<std::int64_t>(inflater.avail_in)) + ".",
                             "Copy or download the file again.");
            }
        }
        return out.size() - inflater.avail_out;
    }

    // Frames may follow one another; the file must end where a frame ends.
    std::size_t read_zstd(std::span<char> out) {
        ZSTD_outBuffer to{out.data(), out.size(), 0};
        while (to.pos < to.size) {
            if (zstd_input.pos == zstd_input.size) {
                const std::int64_t n = file.read_some(offset, std::as_writable_bytes(std::span<char>(input)));
                if (n == 0 && zstd_wants > 0) {
                    invalid_data(file.path().string() + ": the zstd file ends early, after " + std::to_string(file.size()) + " bytes.", "Copy or download the file again.");
                }
                if (n == 0) break;
                offset += n;
                zstd_input = {input.data(), static_cast<std::size_t>(n), 0};
            }
            zstd_wants = ZSTD_decompressStream(zstd.get(), &to, &zstd_input);
            if (ZSTD_isError(zstd_wants) != 0) {
                const std::int64_t near = offset - static_cast<std::int64_t>(zstd_input.size - zstd_input.pos);
                invalid_data(file.path().string() + ": the zstd data are damaged near byte " + std::to_string(near) + ".", "Copy or download the file again.");
            }
        }
        return to.pos;
    }

    InputFile file;
    Compression compression;
    bool ended = false;
    std::int64_t offset = 0;
    std::vector<char> input;
    z_stream inflater{};
    std::unique_ptr<ZSTD_DStream, FreeZstd> zstd;
    ZSTD_inBuffer zstd_input{nullptr, 0, 0};
    std::size_t zstd_wants = 0;  // bytes that the frame still needs at least; 0 between frames
};

TextStream::TextStream(const std::filesystem::path& path) : state_(std::make_unique<State>(path)) {}
TextStream::~TextStream() = default;

std::size_t TextStream::read(std::span<char> out) {
    switch (state_->compression) {
        case Compression::gzip: return state_->read_gzip(out);
        case Compression::zstd: return state_->read_zstd(out);
        case Compression::none: break;
    }
    return state_->read_plain(out);
}
bool TextStream::compressed() const { return state_->compression != Compression::none; }
std::int64_t TextStream::file_bytes() const { return state_->file.size(); }
std::int64_t TextStream::file_bytes_read() const { return state_->offset; }
const std::filesystem::path& TextStream::path() const { return state_->file.path(); }

LineReader::LineReader(const std::filesystem::path& path) : stream_(path), buffer_(kLineBufferBytes) {
    fill();
    if (end_ >= 3 && std::memcmp(buffer_.data(), "\xEF\xBB\xBF", 3) == 0) {
        begin_ = 3;
    }
}

// Moves what is left to the front, grows the buffer when one line fills it, and reads on.
bool LineReader::fill() {
    if (at_end_) {
        return false;
    }
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == buffer_.size()) {
        if (buffer_.size() >= max_line_bytes) {
            invalid_data(path().string() + ": line " + std::to_string(line_number_ + 1) + " is longer than 256 MB.", "Check that this is a text file of lines.");
        }
        buffer_.resize(2 * buffer_.size());
    }
    const std::size_t n = stream_.read(std::span<char>(buffer_).subspan(end_));
    end_ += n;
    at_end_ = n == 0;
    return n > 0;
}

bool LineReader::next(std::string_view& line) {
    std::size_t searched = 0;
    while (true) {
        const char* from = buffer_.data() + begin_;
        const void* newline = std::memchr(from + searched, '\n', end_ - begin_ - searched);
        if (newline != nullptr) {
            const auto length = static_cast<std::size_t>(static_cast<const char*>(newline) - from);
            line = {from, length};
            begin_ += length + 1;
            break;
        }
        searched = end_ - begin_;
        if (!fill()) {
            if (begin_ == end_) {
                return false;
            }
            line = {buffer_.data() + begin_, end_ - begin_};
            begin_ = end_;
            break;
        }
    }
    ++line_number_;
    if (!line.empty() && line.back() == '\r') {
        line.remove_suffix(1);
    }
    return true;
}

std::size_t find_invalid_utf8(std::string_view text) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    const std::size_t n = text.size();
    std::size_t i = 0;
    while (i < n) {
        const unsigned char lead = bytes[i];
        if (lead < 0x80) {
            ++i;
            continue;
        }
        // Length and the allowed range of the second byte, after table 3-7 of the Unicode standard.
        std::size_t length = 0;
        unsigned char low = 0x80;
        unsigned char high = 0xBF;
        if (lead >= 0xC2 && lead <= 0xDF) {
            length = 2;
        } else if (lead >= 0xE0 && lead <= 0xEF) {
            length = 3;
            low = lead == 0xE0 ? 0xA0 : 0x80;
            high = lead == 0xED ? 0x9F : 0xBF;
        } else if (lead >= 0xF0 && lead <= 0xF4) {
            length = 4;
            low = lead == 0xF0 ? 0x90 : 0x80;
            high = lead == 0xF4 ? 0x8F : 0xBF;
        }
        if (length == 0 || i + length > n || bytes[i + 1] < low || bytes[i + 1] > high) {
            return i;
        }
        for (std::size_t k = 2; k < length; ++k) {
            if (bytes[i + k] < 0x80 || bytes[i + k] > 0xBF) {
                return i;
            }
        }
        i += length;
    }
    return std::string_view::npos;
}

}  // namespace morula::formats
