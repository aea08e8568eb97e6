using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using BatchViz.Data;
using BatchViz.Recording;
using BatchViz.Recording.Export;
using BatchViz.Recording.Storage;
using BatchViz.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace BatchViz.Tests.Recordings;

/// <summary>Recordings out and in over HTTP, by role, on a server with the program's own doors.</summary>
public sealed class RecordingsApiTests(RecordedMoons moons) : IClassFixture<RecordedMoons>, IAsyncLifetime
{
    private readonly string root = Directory.CreateTempSubdirectory("batchviz-test-").FullName;
    private WebApplication app = null!;
    private HttpClient owner = null!;

    public async Task InitializeAsync()
    {
        var options = new ServeOptions("http://127.0.0.1:0", signIn: true);
        var builder = WebApplication.CreateBuilder();
        builder.WebHost.UseUrls(options.Urls);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton<Links>();
        builder.Services.AddAccess();
        app = builder.Build();
        app.UseAccess(options);
        app.MapAccess(options);
        app.MapRecordings(id => id == "moons" ? moons.Folder : null, root, new DataFiles(null));
        await app.StartAsync();
        owner = await Joined(links => links.Owner);
    }

    public async Task DisposeAsync()
    {
        owner.Dispose();
        await app.DisposeAsync();
        Directory.Delete(root, recursive: true);
    }

    [Fact]
    public async Task Owners_alone_get_recordings_out_or_in()
    {
        using var stranger = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        using var viewer = await Joined(links => links.Viewer);
        foreach (var (client, status) in new[] { (stranger, HttpStatusCode.Unauthorized), (viewer, HttpStatusCode.Forbidden) })
        {
            foreach (string format in new[] { "bviz", "csv", "html", "nonsense" })
                Assert.Equal(status, (await client.GetAsync($"/api/recordings/moons/export/{format}")).StatusCode);
            Assert.Equal(status, (await client.PostAsync("/api/recordings/import", new ByteArrayContent(File()))).StatusCode);
        }
        using var foreign = new HttpRequestMessage(HttpMethod.Post, "/api/recordings/import") { Content = new ByteArrayContent(File()) };
        foreign.Headers.Add("Origin", "https://elsewhere.example");
        Assert.Equal(HttpStatusCode.Forbidden, (await owner.SendAsync(foreign)).StatusCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(root));
    }

    [Fact]
    public async Task A_download_is_the_export_under_a_plain_name()
    {
        using var bviz = await owner.GetAsync("/api/recordings/moons/export/bviz");
        using var csv = await owner.GetAsync("/api/recordings/moons/export/csv?run=b7-s1");
        using var html = await owner.GetAsync("/api/recordings/moons/export/html");

        Assert.Equal(File(), await bviz.Content.ReadAsByteArrayAsync());
        Assert.Equal("attachment; filename=Two-moons-B-1.bviz", bviz.Content.Headers.ContentDisposition!.ToString());
        Assert.Equal("attachment; filename=Two-moons-B-1-csv.zip", csv.Content.Headers.ContentDisposition!.ToString());
        Assert.Equal("attachment; filename=Two-moons-B-1.html", html.Content.Headers.ContentDisposition!.ToString());
        using var zip = new ZipArchive(await csv.Content.ReadAsStreamAsync());
        Assert.Equal(["b7-s1.csv", "b7-s1-evaluations.csv"], zip.Entries.Select(entry => entry.FullName));
        using var lines = new StreamReader(zip.Entries[0].Open());
        Assert.Equal(
            RecordedMoons.Plan.Runs[1].TotalUpdates,
            (await lines.ReadToEndAsync()).Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Length - 1
        );
        Assert.EndsWith("</html>", (await html.Content.ReadAsStringAsync()).TrimEnd());
    }

    [Fact]
    public async Task A_download_says_how_long_it_is_before_it_begins_and_leaves_nothing_behind()
    {
        foreach (string format in new[] { "bviz", "csv", "html", "safetensors", "tensorboard" })
        {
            using var answer = await owner.GetAsync($"/api/recordings/moons/export/{format}", HttpCompletionOption.ResponseHeadersRead);
            byte[] body = await answer.Content.ReadAsByteArrayAsync();

            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(body.Length, answer.Content.Headers.ContentLength);
        }
        Assert.True(SpinWait.SpinUntil(() => !Directory.EnumerateFileSystemEntries(root).Any(), TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task An_export_that_fails_while_it_is_written_does_not_begin_as_a_success()
    {
        Directory.Delete(root, recursive: true);
        await System.IO.File.WriteAllTextAsync(root, "a file where the folder for exports should be");
        using var answer = await owner.GetAsync("/api/recordings/moons/export/csv");
        System.IO.File.Delete(root);
        Directory.CreateDirectory(root);

        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Null(answer.Content.Headers.ContentDisposition);
        Assert.Contains("cannot be written", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task What_cannot_be_exported_is_one_sentence()
    {
        foreach (
            var (address, status) in new[]
            {
                ("other/export/csv", HttpStatusCode.NotFound),
                ("moons/export/xml", HttpStatusCode.BadRequest),
                ("moons/export/csv?run=b9-s1", HttpStatusCode.BadRequest),
                ("moons/export/csv?update=4", HttpStatusCode.BadRequest),
                ("moons/export/safetensors?update=99999", HttpStatusCode.BadRequest),
                ("..%2Fmoons/export/csv", HttpStatusCode.NotFound),
            }
        )
        {
            using var answer = await owner.GetAsync("/api/recordings/" + address);
            Assert.Equal(status, answer.StatusCode);
            Assert.EndsWith(".", await answer.Content.ReadAsStringAsync());
            Assert.Null(answer.Content.Headers.ContentDisposition);
        }
    }

    [Fact]
    public async Task What_is_taken_in_is_a_recording_under_a_new_id()
    {
        using var answer = await owner.PostAsync("/api/recordings/import", new ByteArrayContent(File()));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var json = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
        Assert.Equal("Two moons, B > 1", (string?)json["name"]);
        string folder = Path.Combine(root, (string)json["id"]!);
        Assert.Equal([folder], Directory.EnumerateFileSystemEntries(root));
        Assert.Equal(File(), Packed(folder));
    }

    [Fact]
    public async Task What_is_no_recording_is_refused_and_leaves_nothing()
    {
        byte[] cut = File()[..^100];
        using var refused = await owner.PostAsync("/api/recordings/import", new ByteArrayContent(cut));

        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Equal("The file is damaged: it is cut short.", await refused.Content.ReadAsStringAsync());
        using var large = new HttpRequestMessage(HttpMethod.Post, "/api/recordings/import") { Content = new ByteArrayContent([]) };
        large.Headers.ExpectContinue = true;
        large.Content.Headers.ContentLength = RecordingsApi.MostImported + 1;
        using var tooLarge = await owner.SendAsync(large);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, tooLarge.StatusCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(root));
    }

    private byte[] File() => Packed(moons.Folder);

    private static byte[] Packed(string folder)
    {
        using var files = DiskFiles.ToRead(folder);
        var stream = new MemoryStream();
        Bviz.Write(files, RecordingManifest.Read(files), stream);
        return stream.ToArray();
    }

    private async Task<HttpClient> Joined(Func<Links, string> link)
    {
        var client = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = new Uri(app.Urls.Single()) };
        using var answer = await client.GetAsync($"/join/{link(app.Services.GetRequiredService<Links>())}");
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        return client;
    }
}
