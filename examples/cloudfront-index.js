// A CloudFront function for viewer requests, in front of a bucket with a static export, made by
// wheelyard export --to s3://BUCKET/simple: which page a client gets, by what it accepts. The path that it
// writes is the cache key, so the cache policy need not know of the Accept header.
function handler(event) {
    var request = event.request;
    var accept = request.headers.accept ? request.headers.accept.value : '';
    var last = request.uri.slice(request.uri.lastIndexOf('/') + 1);
    if (last === '') {
        var json = /application\/vnd\.pypi\.simple\.(v1|latest)\+json/.test(accept);
        request.uri += json ? 'index.json' : 'index.html';
    } else if (last.indexOf('.') === -1) {
        // A project without its slash; what files are called has a dot in it.
        return {
            statusCode: 301,
            statusDescription: 'Moved Permanently',
            headers: { location: { value: request.uri + '/' } }
        };
    } else if (last.charAt(0) === '.') {
        return { statusCode: 404, statusDescription: 'Not Found' };
    }
    return request;
}
