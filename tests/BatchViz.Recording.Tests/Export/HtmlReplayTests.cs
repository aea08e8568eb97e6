using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using BatchViz.Core.Specs;
using BatchViz.Recording.Export;
using BatchViz.Telemetry;
using BatchViz.Telemetry.Tests;
using BatchViz.Telemetry.Tests.Wire;
using BatchViz.Telemetry.Wire;
using Decoder = BatchViz.Telemetry.Tests.Wire.Decoder;

namespace BatchViz.Recording.Tests.Export;

public partial class HtmlReplayTests
{
    private static readonly byte[] Page = Encoding.UTF8.GetBytes(
        "<html><head><!--batchviz:head--></head><body>π<!--batchviz:data--></body></html>"
    );

    private static readonly int[] Live = [0, 1, Logs.Seconds],
        Others = [.. Enumerable.Range(2, Logs.Seconds - 2)];

    [Theory]
    [InlineData("</script><b>", "</title><img src=x onerror=alert(1)>")]
    [InlineData("<!--<script>", "\"><script>alert('&amp;')</script>")]
    [InlineData("a & b, π ∝ √B", "<!--batchviz:data-->")]
    public void Names_that_look_like_markup_stay_text(string name, string title)
    {
        string file = Write(Source([100], name, title));

        var body = Body().Match(file);
        Assert.DoesNotContain('<', body.Groups["title"].Value + body.Groups["description"].Value + body.Groups["manifest"].Value);
        Assert.DoesNotContain('"', body.Groups["description"].Value);
        Assert.Equal($"{name} · BatchViz", System.Net.WebUtility.HtmlDecode(body.Groups["title"].Value));
        Assert.StartsWith(title, System.Net.WebUtility.HtmlDecode(body.Groups["description"].Value));
        var manifest = JsonNode.Parse(body.Groups["manifest"].Value)!;
        Assert.Equal((name, title), ((string?)manifest["name"], (string?)manifest["title"]));
    }

    [Theory]
    [InlineData(40_000)]
    [InlineData(100_000)]
    [InlineData(250_000)]
    [InlineData(5_000_000)]
    public void The_file_stays_within_its_budget_and_covers_every_run_whole(int budget)
    {
        int[] updates = [20_000, 2_345, 70, 0];
        byte[] file = HtmlReplay.Write(Page, Source(updates), budget);

        Assert.True(file.Length <= budget, $"{file.Length:#,0} bytes");
        var tiles = Tiles(file);
        for (int run = 0; run < updates.Length; run++)
        {
            var live = tiles.Where(t => t.Run == run && t.Columns.SequenceEqual(Live)).ToArray();
            Assert.Equal(updates[run], live.Sum(t => t.To - t.From));
            Assert.True(live.Select(t => t.Level).Distinct().Count() <= 1);
            Assert.All(live.Zip(live.Skip(1)), pair => Assert.Equal(pair.First.To, pair.Second.From));
        }
    }

    [Fact]
    public void A_larger_file_has_finer_detail_and_first_in_what_is_drawn()
    {
        (int Live, int Others)[] levels =
        [
            .. new[] { 40_000, 100_000, 400_000, 10_000_000 }.Select(budget =>
            {
                var tiles = Tiles(HtmlReplay.Write(Page, Source([20_000]), budget));
                return (
                    tiles.First(t => t.Columns.SequenceEqual(Live)).Level,
                    tiles.FirstOrDefault(t => t.Columns.SequenceEqual(Others))?.Level ?? int.MaxValue
                );
            }),
        ];

        Assert.Equal(levels.OrderByDescending(l => l.Live), levels);
        Assert.Equal(levels.OrderByDescending(l => l.Others), levels);
        Assert.All(levels, l => Assert.True(l.Live <= l.Others));
        Assert.True(levels[0].Live > levels[1].Live);
        Assert.Equal((0, 0), levels[^1]);
    }

    [Fact]
    public void A_budget_that_nothing_fits_into_is_refused_with_what_it_takes()
    {
        var source = Source([20_000]);
        var refusal = Assert.Throws<RefusedException>(() => HtmlReplay.Write(Page, source, 1_000));

        int least = int.Parse(Number().Match(refusal.Message).Value.Replace(",", ""));
        Assert.Equal(least, HtmlReplay.Write(Page, source, least).Length);
        Assert.Throws<RefusedException>(() => HtmlReplay.Write(Page, source, least - 1));
    }

    [Fact]
    public void Given_blocks_are_all_in_the_file_unchanged_and_the_same_recording_gives_the_same_bytes()
    {
        byte[] grid = Blocks.Grid(7, 1, 2, 9, -1, 1, -2, 2, [.. Enumerable.Range(0, 81).Select(i => (float)i)]);
        var source = Source([70]) with { Blocks = [grid] };
        byte[] file = HtmlReplay.Write(Page, source);

        Assert.Equal(grid, BlocksOf(file)[0]);
        Assert.Equal(file, HtmlReplay.Write(Page, source));
    }

    [Fact]
    public void A_manifest_that_would_be_markup_is_not_written() =>
        Assert.Throws<ArgumentException>(() => Write(Source([70]) with { Manifest = "{\"name\":\"</script>\"}"u8.ToArray() }));

    private static string Write(ReplaySource source) => Encoding.UTF8.GetString(HtmlReplay.Write(Page, source));

    /// <summary>An experiment with a run of noise for each number of updates.</summary>
    private static ReplaySource Source(int[] updates, string name = "noise", string title = "noise")
    {
        var random = new Random(1);
        RunLog[] logs =
        [
            .. updates.Select(count =>
            {
                var log = Logs.New();
                Logs.Append(log, count, (_, _) => random.NextSingle());
                log.Enter(RunState.Finished);
                return log;
            }),
        ];
        var manifest = new JsonObject
        {
            ["name"] = name,
            ["title"] = title,
            ["state"] = "finished",
            ["columns"] = new JsonArray([
                .. Enumerable.Range(0, Logs.Seconds + 1).Select(c => (JsonNode)new JsonObject { ["live"] = Live.Contains(c) }),
            ]),
            ["runs"] = new JsonArray([
                .. updates.Select(count => (JsonNode)new JsonObject { ["state"] = "finished", ["updates"] = count }),
            ]),
        };
        var outline = new ReplayOutline(
            name,
            title,
            [.. Enumerable.Range(0, Logs.Seconds + 1).Select(Live.Contains)],
            [.. updates.Select(count => (long)count)]
        );
        return new ReplaySource(
            Encoding.UTF8.GetBytes(manifest.ToJsonString()),
            outline,
            [],
            (run, columns, level, index) => Blocks.Tile(7, run, logs[run], columns, level, index)!.Value.Bytes!
        );
    }

    private static TileBlock[] Tiles(byte[] file) => [.. BlocksOf(file).Select(Decoder.Tile)];

    private static byte[][] BlocksOf(byte[] file) =>
        [
            .. Block()
                .Matches(Encoding.UTF8.GetString(file))
                .Select(match =>
                {
                    using var unpacked = new MemoryStream();
                    using var gzip = new GZipStream(
                        new MemoryStream(Convert.FromBase64String(match.Groups[1].Value)),
                        CompressionMode.Decompress
                    );
                    gzip.CopyTo(unpacked);
                    return unpacked.ToArray();
                }),
        ];

    [GeneratedRegex(
        "<head><title>(?<title>.*?)</title>\n<meta name=\"description\" content=\"(?<description>.*?)\"></head><body>π<script type=\"application/json\" id=\"manifest\">(?<manifest>.*?)</script>",
        RegexOptions.Singleline
    )]
    private static partial Regex Body();

    [GeneratedRegex("<script type=\"application/octet-stream\" data-block>(.*?)</script>")]
    private static partial Regex Block();

    [GeneratedRegex("[0-9,]+")]
    private static partial Regex Number();
}
